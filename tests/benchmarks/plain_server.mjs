// The bare server that checks are measured against: it answers every request with the same bytes, writes a line about
// it, and keeps nothing. Usage: node plain_server.mjs ANSWER.json, a file with {status, headers: [[name, value]], body}.
// The first line of stdout is the port; the others are the log. stdout should be a file.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { status, headers, body } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const flat = headers.flat();
const bytes = Buffer.from(body, "utf8");

const server = createServer((request, response) => {
  response.writeHead(status, flat);
  response.end(bytes);
  process.stdout.write(`${new Date().toISOString()} ${request.method} ${request.url} ${status}\n`);
});

server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
