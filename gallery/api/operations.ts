// Written by `npm run generate` in gallery/, from openapi.yaml. Do not edit.
export const operations = {
  "createUpload": {
    "method": "post",
    "path": "/v1/uploads",
    "request": {
      "path": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {}
      },
      "query": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {}
      },
      "body": {
        "type": "object",
        "additionalProperties": false,
        "required": [
          "name",
          "type",
          "bytes"
        ],
        "properties": {
          "name": {
            "description": "The file's name, to show it. It can contain anything; folders are dropped.",
            "type": "string",
            "minLength": 1,
            "maxLength": 255
          },
          "type": {
            "description": "The browser's type of the file, or `application/octet-stream`. The pipeline looks at the content only.",
            "type": "string",
            "enum": [
              "application/octet-stream",
              "image/jpeg",
              "image/png",
              "image/webp",
              "image/avif",
              "image/gif",
              "image/tiff",
              "image/heic",
              "image/heif",
              "image/bmp",
              "image/x-icon",
              "image/vnd.microsoft.icon"
            ]
          },
          "bytes": {
            "description": "The exact size of the file. The pipeline accepts 50,000,000 at most.",
            "type": "integer",
            "minimum": 1
          },
          "replaces": {
            "description": "The person's image that this file becomes the new version of. It keeps its name.",
            "allOf": [
              {
                "type": "string",
                "pattern": "^[0-9a-f]{32}$"
              }
            ]
          }
        }
      }
    }
  },
  "listImages": {
    "method": "get",
    "path": "/v1/images",
    "request": {
      "path": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {}
      },
      "query": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {
          "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": 50
          },
          "page": {
            "description": "A place in the list. Clients pass it on as it is.",
            "type": "string",
            "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z_[0-9a-f]{32}$"
          },
          "since": {
            "type": "integer",
            "minimum": 0,
            "maximum": 9007199254740991
          }
        }
      }
    }
  },
  "getImage": {
    "method": "get",
    "path": "/v1/images/{id}",
    "request": {
      "path": {
        "type": "object",
        "additionalProperties": false,
        "required": [
          "id"
        ],
        "properties": {
          "id": {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$"
          }
        }
      },
      "query": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {}
      }
    }
  },
  "deleteImage": {
    "method": "delete",
    "path": "/v1/images/{id}",
    "request": {
      "path": {
        "type": "object",
        "additionalProperties": false,
        "required": [
          "id"
        ],
        "properties": {
          "id": {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$"
          }
        }
      },
      "query": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {}
      }
    }
  },
  "checkHealth": {
    "method": "get",
    "path": "/v1/health",
    "request": {
      "path": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {}
      },
      "query": {
        "type": "object",
        "additionalProperties": false,
        "required": [],
        "properties": {}
      }
    }
  }
} as const;
