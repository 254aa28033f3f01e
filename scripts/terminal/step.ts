/** Shows what a long step is currently doing. */
export type Report = (progress: string) => void;

/** Runs work under a title; the caller decides how progress is shown. */
export type Step = <Result>(title: string, work: (report: Report) => Promise<Result>) => Promise<Result>;
