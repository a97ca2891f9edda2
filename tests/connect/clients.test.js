// Connect's own clients, for Node and for browsers, against the real server.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport as forNode } from "@connectrpc/connect-node";
import { createConnectTransport as forBrowsers } from "@connectrpc/connect-web";

import { ExperimentService } from "./gen/bitbudget/v1/experiment_pb.js";
import { FitService } from "./gen/bitbudget/v1/fit_pb.js";
import { JobService } from "./gen/bitbudget/v1/job_pb.js";
import { PlannerService } from "./gen/bitbudget/v1/planner_pb.js";
import { StudyService } from "./gen/bitbudget/v1/study_pb.js";
import { BadRequestSchema, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { runs, startServer, study } from "./server.js";

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

// Node's fetch holds on to the signal of a request weakly: once it has been collected,
// an abort does not reach the body any more. In a browser it does.
async function abortableFetch(input, init) {
  const response = await fetch(input, init);
  const body = response.body?.pipeThrough(new TransformStream(), { signal: init.signal });
  return new Response(body, response);
}

const node = { httpVersion: "1.1" };
const transports = {
  "connect-node, JSON": () => forNode({ ...node, baseUrl: server.url, useBinaryFormat: false }),
  "connect-node, binary": () => forNode({ ...node, baseUrl: server.url, useBinaryFormat: true }),
  "connect-node, gzip": () =>
    forNode({
      ...node,
      baseUrl: server.url,
      useBinaryFormat: false,
      sendCompression: compressionGzip,
      compressMinBytes: 1,
    }),
  "connect-web, JSON": () => forBrowsers({ baseUrl: server.url, fetch: abortableFetch }),
  "connect-web, binary": () =>
    forBrowsers({ baseUrl: server.url, fetch: abortableFetch, useBinaryFormat: true }),
};

// The error that a call ends with.
async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call did not fail");
}

async function nextOf(stream) {
  const { done, value } = await stream.next();
  assert.equal(done, false);
  return value;
}

// Reads on to the end, past what was on its way already.
async function drain(stream) {
  while (!(await stream.next()).done);
}

let count = 0;
for (const [name, transport] of Object.entries(transports)) {
  describe(name, () => {
    let studies, experiments, fits, planner, jobs, parent;
    before(async () => {
      studies = createClient(StudyService, transport());
      experiments = createClient(ExperimentService, transport());
      fits = createClient(FitService, transport());
      planner = createClient(PlannerService, transport());
      jobs = createClient(JobService, transport());
      parent = (await studies.createStudy({ studyId: `s${++count}`, study })).name;
    });

    test("a question is answered from the rows just stored", async () => {
      const stored = await experiments.batchCreateExperiments({ parent, experiments: runs() });
      assert.equal(stored.createdCount, 36n);
      const question = {
        source: { source: { case: "study", value: parent }, minRevision: stored.revision },
        parameters: 100_000_000n,
        fpTokens: 10_000_000_000n,
        weightBits: 16,
      };
      const { lossNats, provenance } = await planner.predictLoss(question);
      assert.ok(lossNats.lower < lossNats.value && lossNats.value < lossNats.upper);
      assert.equal(provenance.revision, stored.revision);
    });

    test("an error brings its code and details", async () => {
      const missing = await errorOf(studies.getStudy({ name: "studies/nothing" }));
      assert.equal(missing.code, Code.NotFound);
      assert.equal(missing.findDetails(ErrorInfoSchema)[0].reason, "STUDY_NOT_FOUND");
      const invalid = await errorOf(studies.getStudy({ name: "nothing" }));
      assert.equal(invalid.code, Code.InvalidArgument);
      assert.equal(invalid.findDetails(BadRequestSchema)[0].fieldViolations[0].field, "name");
    });

    test("a call that waits ends with its time", async () => {
      const worker = {
        parent: "studies/-",
        worker: "w",
        capabilities: { trainers: ["bitbudget-train"] },
        wait: { seconds: 60n },
      };
      const error = await errorOf(jobs.leaseJob(worker, { timeoutMs: 100 }));
      assert.equal(error.code, Code.DeadlineExceeded);
    });

    test("a message beyond the limit is refused", async () => {
      // Random, so that it is too large packed as well.
      const note = Array.from({ length: 5_000_000 }, () =>
        String.fromCharCode(33 + Math.random() * 90),
      ).join("");
      const large = { parent, experiments: [{ ...runs()[0], note }] };
      const error = await errorOf(experiments.batchCreateExperiments(large));
      assert.equal(error.code, Code.ResourceExhausted);
    });

    test("a watch tells of the study, then of its next fit", async () => {
      const watched = (await studies.createStudy({ studyId: `w${count}`, study })).name;
      const abort = new AbortController();
      const stream = fits
        .watchFits({ parent: watched }, { signal: abort.signal })
        [Symbol.asyncIterator]();
      assert.equal((await nextOf(stream)).study.name, watched);
      await experiments.batchCreateExperiments({ parent: watched, experiments: runs() });
      let message;
      do message = await nextOf(stream);
      while (!message.fit);
      assert.equal(message.fit.revision, message.study.revision);
      abort.abort();
      assert.equal((await errorOf(drain(stream))).code, Code.Canceled);
    });

    test("a watch ends with its time, and with its error", async () => {
      const late = fits.watchFits({ parent }, { timeoutMs: 200 })[Symbol.asyncIterator]();
      await nextOf(late);
      assert.equal((await errorOf(drain(late))).code, Code.DeadlineExceeded);
      const lost = fits.watchFits({ parent: "studies/nothing" })[Symbol.asyncIterator]();
      const error = await errorOf(lost.next());
      assert.equal(error.code, Code.NotFound);
      assert.equal(error.findDetails(ErrorInfoSchema)[0].reason, "STUDY_NOT_FOUND");
    });

    test("an export ends by itself", async () => {
      let rows = 0;
      for await (const message of experiments.exportExperiments({ parent })) {
        rows += message.experiments.length;
      }
      assert.equal(rows, 36);
    });
  });
}

test("an upload, which needs gRPC, is unimplemented", async () => {
  const transport = forNode({ ...node, baseUrl: server.url });
  const client = createClient(ExperimentService, transport);
  const error = await errorOf(client.importExperiments((async function* () {})()));
  assert.equal(error.code, Code.Unimplemented);
});
