/**
 * Takes what an attacker sends, and does the least that anybody could: reads it, keeps nothing, and
 * answers. Beside it stands what the attack costs a machine whoever is attacked: `sink.ts --port
 * N`.
 */
import { createServer } from 'node:http';
import { MIB } from '../../shared/units.ts';

/** As the engine (api.max_buffered_mb): what is beyond it is not read. */
const MOST_BYTES = 256 * MIB;
let bytes = 0;

const server = createServer((request, response) => {
  let own = 0;
  request.on('data', (part: Buffer) => {
    own += part.length;
    bytes += part.length;
    if (bytes > MOST_BYTES) request.socket.destroy();
  });
  request.on('close', () => {
    bytes -= own;
  });
  request.on('end', () => response.end('{}'));
});
server.listen(Number(process.argv[process.argv.indexOf('--port') + 1]), '127.0.0.1');
