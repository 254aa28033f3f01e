// Written by `npm run generate` in gallery/, from openapi.yaml. Do not edit.
// biome-ignore-all lint: generated
export interface paths {
    "/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Permission to upload one file
         * @description The answer is a presigned POST for one key of the person's own. Send it as multipart/form-data: first all `fields`, then the file in the field `file`. It works until `expiresAt`, for a file of exactly the type and the size that the request named. If the answer to the form is lost, send it again: what arrives twice is the same image.
         */
        post: operations["createUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The person's images
         * @description Without `since`: the images that exist, newest first; `next` continues the list. With `since`: each image that has changed after that cursor, also deleted ones, in its current state and in the order of `cursor`. Repeat with the answer's `cursor` while `hasMore` is true. Either way, after the last page nothing up to `cursor` is missing.
         */
        get: operations["listImages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["parameters"]["ImageId"];
            };
            cookie?: never;
        };
        /** One image */
        get: operations["getImage"];
        put?: never;
        post?: never;
        /**
         * Delete an image
         * @description Deletes the upload. The pipeline then deletes the renditions, and the image becomes `deleted`: that arrives live.
         */
        delete: operations["deleteImage"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the API can answer */
        get: operations["checkHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ImageId: string;
        /** @description A place in the list. Clients pass it on as it is. */
        Page: string;
        UploadRequest: {
            /** @description The file's name, to show it. It can contain anything; folders are dropped. */
            name: string;
            /**
             * @description The browser's type of the file, or `application/octet-stream`. The pipeline looks at the content only.
             * @enum {string}
             */
            type: "application/octet-stream" | "image/jpeg" | "image/png" | "image/webp" | "image/avif" | "image/gif" | "image/tiff" | "image/heic" | "image/heif" | "image/bmp" | "image/x-icon" | "image/vnd.microsoft.icon";
            /** @description The exact size of the file. The pipeline accepts 50,000,000 at most. */
            bytes: number;
            /** @description The person's image that this file becomes the new version of. It keeps its name. */
            replaces?: components["schemas"]["ImageId"];
        };
        UploadTicket: {
            /** @description The id that the image will have. */
            imageId: components["schemas"]["ImageId"];
            /** @description Where to send the form. It may be relative to the page. */
            url: string;
            /** @description The fields of the form that come before the file. */
            fields: {
                [key: string]: string;
            };
            /** Format: date-time */
            expiresAt: string;
        };
        ImageList: {
            images: components["schemas"]["Image"][];
            /** @description Without `since`: the newest change of any of the person's images when the list was made. With `since`: the newest change in this answer. Pass it as `since` to get what has changed after it. */
            cursor: number;
            hasMore: boolean;
            /** @description Only without `since`, and only if there is more. Pass it as `page`. */
            next?: components["schemas"]["Page"];
        };
        Image: {
            id: components["schemas"]["ImageId"];
            name: string;
            state: components["schemas"]["State"];
            /** @description The number of this change among all changes of the person's images. Consecutive: what follows 7 is 8, so a client that receives 9 after 7 knows that it missed one. */
            cursor: number;
            /**
             * Format: date-time
             * @description When the newest version was uploaded or deleted.
             */
            changedAt: string;
            /** @description The size of the file, of the same version as `metadata`. */
            bytes?: number;
            metadata?: components["schemas"]["Metadata"];
            /** @description What can be shown. While a new version is `uploaded` or `described`, or if it `failed`, these are the renditions of the version before. `metadata` and `bytes` are always of the version that these show; while there are none, of the new version, as soon as they are known. */
            renditions: components["schemas"]["Rendition"][];
            rejection?: components["schemas"]["Rejection"];
        };
        /**
         * @description uploaded: the file is in the bucket, and the pipeline works on it. described: it could be read, and its renditions are being made; not every image passes this state. ready: its renditions are there. rejected: the pipeline cannot process it, and `rejection` says why. failed: the pipeline has given up for now; operators are told, and may still get it processed. deleted: it is gone. New states may be added within v1: treat one that you do not know like uploaded.
         * @enum {string}
         */
        State: "uploaded" | "described" | "ready" | "rejected" | "failed" | "deleted";
        /** @description Of the upload. More properties may be added. */
        Metadata: {
            /** @description Such as jpeg, png or heic. */
            format: string;
            /** @description Pixels, as displayed. */
            width: number;
            height: number;
            bytes: number;
            dominantColour: string;
            /** @description Base64. https://evanw.github.io/thumbhash */
            thumbhash: string;
            /** @description Only of an animation or a document of several pages. */
            frames?: number;
            /** @description Make and model, as the file says. Anyone can write anything there. */
            camera?: string;
            /** @description Local time of the camera, ISO 8601. */
            capturedAt?: string;
            /** @description Only if the pipeline was deployed with KeepLocation=true. */
            location?: {
                latitude: number;
                longitude: number;
            };
            /** @description The file is damaged and could be read nearly whole. */
            damaged?: boolean;
        };
        Rendition: {
            preset: string;
            /** @description Relative to the page. Its content never changes. */
            url: string;
            /** @enum {string} */
            contentType: "image/webp" | "image/avif" | "image/jpeg";
            width: number;
            height: number;
            bytes: number;
            animated?: boolean;
        };
        Rejection: {
            /** @description Such as corrupt or too-many-pixels. The list may grow. */
            reason: string;
            /** @description A sentence for the person who uploaded the file. */
            message: string;
        };
        Health: {
            /** @enum {string} */
            status: "ok";
        };
        /** @description RFC 9457. `type` says what went wrong, and is what a program should look at. */
        Problem: {
            /** @enum {string} */
            type: "urn:gallery:problem:invalid-request" | "urn:gallery:problem:signed-out" | "urn:gallery:problem:not-found" | "urn:gallery:problem:too-large" | "urn:gallery:problem:rate-limited" | "urn:gallery:problem:unavailable";
            title: string;
            status: number;
            detail?: string;
        };
    };
    responses: {
        /** @description The request does not match this document. `detail` says where. */
        Invalid: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description No token, or one that has expired or is not valid here. */
        SignedOut: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description There is no such image, it is deleted, or it is another person's. */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too many requests, of this person or of everyone. */
        RateLimited: {
            headers: {
                /** @description Seconds. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        ImageId: components["schemas"]["ImageId"];
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    createUpload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UploadRequest"];
            };
        };
        responses: {
            /** @description The file can be uploaded. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadTicket"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["SignedOut"];
            404: components["responses"]["NotFound"];
            /** @description The file is larger than the pipeline accepts. `detail` says it in a sentence for the person. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
        };
    };
    listImages: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next` of the page before. Not together with `since`. */
                page?: components["schemas"]["Page"];
                /** @description The highest cursor that the client has seen. */
                since?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of images. In an account, the answer also sets the cookies that let the browser load renditions, for an hour: repeat it when a rendition cannot be loaded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageList"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["SignedOut"];
            429: components["responses"]["RateLimited"];
        };
    };
    getImage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of an answer before. If the image has not changed, the answer is 304. */
                "If-None-Match"?: string;
            };
            path: {
                id: components["parameters"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The image. A deleted one is not found. */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description The image has not changed. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["SignedOut"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
        };
    };
    deleteImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["parameters"]["ImageId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The upload is deleted. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["SignedOut"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["RateLimited"];
        };
    };
    checkHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The API and its table answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The table does not answer. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
