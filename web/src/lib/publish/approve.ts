export async function approvePending(): Promise<void> {}
