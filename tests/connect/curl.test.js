// curl against the written rules of the protocol: verbs, types, codes, limits.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { startServer } from "./server.js";

const run = promisify(execFile);
const json = ["-H", "Content-Type: application/json"];
const getStudy = "/bitbudget.v1.StudyService/GetStudy";

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

// Status, headers in lower case, and body of a request.
async function curl(path, ...options) {
  const { stdout } = await run("curl", ["-sS", "-i", "-m", "20", ...options, server.url + path]);
  const end = stdout.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = stdout.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 2),
    ]),
  );
  return { status: Number(statusLine.split(" ")[1]), headers, body: stdout.slice(end + 4) };
}

const rules = [
  ["an empty message", 200, undefined, ["-d", "{}", ...json], "/bitbudget.v1.LawService/ListLaws"],
  [
    "a charset",
    404,
    "not_found",
    ["-d", '{"name":"studies/a"}', "-H", "Content-Type: application/json; charset=utf-8"],
  ],
  [
    "version 1",
    404,
    "not_found",
    ["-d", '{"name":"studies/a"}', ...json, "-H", "Connect-Protocol-Version: 1"],
  ],
  [
    "another version",
    400,
    "invalid_argument",
    ["-d", "{}", ...json, "-H", "Connect-Protocol-Version: 2"],
  ],
  [
    "a timeout that is no number",
    400,
    "invalid_argument",
    ["-d", "{}", ...json, "-H", "Connect-Timeout-Ms: 1s"],
  ],
  ["no JSON", 400, "invalid_argument", ["-d", "name=a", ...json]],
  ["an unknown field", 400, "invalid_argument", ["-d", '{"nom":"studies/a"}', ...json]],
  ["no body", 400, "invalid_argument", ["-X", "POST", ...json]],
  [
    "an unknown compression",
    501,
    "unimplemented",
    ["-d", "{}", ...json, "-H", "Content-Encoding: br"],
  ],
  [
    "an unknown method",
    404,
    "unimplemented",
    ["-d", "{}", ...json],
    "/bitbudget.v1.StudyService/Nope",
  ],
  ["an unknown service", 404, "unimplemented", ["-d", "{}", ...json], "/acme.Nope/Nope"],
  [
    "the name of another site",
    403,
    "permission_denied",
    ["-d", "{}", ...json, "-H", "Host: evil.example"],
  ],
];
for (const [name, status, code, options, path = getStudy] of rules) {
  test(`${name}: ${status} ${code ?? ""}`, async () => {
    const reply = await curl(path, ...options);
    assert.equal(reply.status, status);
    assert.equal(reply.headers["content-type"], "application/json");
    assert.equal(JSON.parse(reply.body).code, code);
  });
}

test("GET of a call: 405 and what is allowed", async () => {
  const reply = await curl(getStudy);
  assert.equal(reply.status, 405);
  assert.equal(reply.headers.allow, "POST");
});

test("another type: 415 and what is accepted", async () => {
  const reply = await curl(getStudy, "-d", "{}");
  assert.equal(reply.status, 415);
  assert.equal(reply.headers["accept-post"], "application/json, application/proto");
});

test("a body of 5 MB: 429 in JSON, although it is not read to its end", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "bitbudget-curl-")), "large.json");
  writeFileSync(file, `{"name":"${"a".repeat(5_000_000)}"}`);
  const reply = await curl(getStudy, ...json, "-H", "Expect:", "--data-binary", `@${file}`);
  rmSync(dirname(file), { recursive: true });
  assert.equal(reply.status, 429);
  assert.equal(JSON.parse(reply.body).code, "resource_exhausted");
});

test("health and metrics", async () => {
  assert.deepEqual((await curl("/healthz")).body, "serving\n");
  await curl(getStudy, ...json, "-d", '{"name":"studies/a"}');
  const metrics = (await curl("/metrics")).body;
  for (const name of [
    "process_start_time_seconds",
    'bitbudget_build_info{version="',
    "bitbudget_ingest_rows_total 0",
    'bitbudget_jobs{state="QUEUED"} 0',
    "bitbudget_leases_active 0",
    'connect_server_handled_total{connect_code="NOT_FOUND",connect_method="GetStudy"',
    "connect_server_handling_seconds_bucket{",
  ]) {
    assert.ok(metrics.includes(name), `${name} in ${metrics}`);
  }
});
