/**
 * `npm run fuzz -- requests ...` fuzzes the requests to a model's server, `npm run fuzz -- engine
 * ...` those to a whole engine, `npm run fuzz -- [formats] ...` the files that are dropped.
 */
if (['requests', 'engine'].includes(process.argv[2] ?? '')) await import('./helpers/request-fuzz-run.ts');
else await import('./core/analyzer/fuzz.ts');
