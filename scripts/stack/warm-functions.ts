/** The functions whose workers are kept warm while ProvisionConcurrency is true. */
export const warmFunctions = ['DispatchImagesFunction', 'ExtractMetadataFunction', 'ResizeImageFunction'] as const;
export type WarmFunction = (typeof warmFunctions)[number];
