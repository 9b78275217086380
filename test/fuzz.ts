/**
 * `npm run fuzz -- requests ...` fuzzes the requests to a model, `npm run fuzz -- [formats] ...`
 * the files that are dropped.
 */
if (process.argv[2] === 'requests') await import('./embedded/fuzz-requests-run.ts');
else await import('./core/analyzer/fuzz.ts');
