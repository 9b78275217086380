/**
 * Stands in for Electron's default app, which the fetched binary lacks: `electron [flags] FOLDER [arguments]` runs the app of that folder,
 * named and versioned as its package.json says.
 */
const { app } = require('electron');
const { readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');

const index = process.argv.findIndex((argument, at) => at > 0 && !argument.startsWith('-'));
if (index === -1) {
  process.stderr.write('loader: no folder of an app was given\n');
  process.exit(2);
}
const folder = resolve(process.argv[index]);
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
// As the default app does: the folder comes second, whatever flags stood before it.
process.argv.splice(1, index, folder, ...process.argv.slice(1, index));
app.setName(manifest.productName ?? manifest.name);
app.setVersion(manifest.version);
app.setAppPath(folder);
require(join(folder, manifest.main));
