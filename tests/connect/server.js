// The real server in a process of its own, on a database of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const program = process.env.BITBUDGET_SERVER_PROGRAM;
if (!program) throw new Error("BITBUDGET_SERVER_PROGRAM names no server");

// Starts a server; `url` is that of its HTTP port, `stop` ends it and removes its data.
export async function startServer() {
  const directory = mkdtempSync(join(tmpdir(), "bitbudget-connect-"));
  const database = join(directory, "test.db");
  const child = spawn(
    program,
    ["--database", database, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = line.match(/^bitbudget-server dashboard at (http:\/\/.*)\/$/);
      if (found) resolve(found[1]);
    });
    ended.then((code) => reject(new Error(`the server ended with ${code}`)));
  });
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      rmSync(directory, { recursive: true });
      if (code !== 0) throw new Error(`the server ended with ${code}`);
    },
  };
}

// A valid study of Chinchilla's law, quick to fit.
export const study = {
  law: "chinchilla",
  lossUnit: 1,
  parameterConvention: 1,
  fitOptions: { startCount: 16 },
};

// Full-precision runs: 6 sizes by 6 budgets off
// L = 1.8 + 400 / N^.34 + 410 / D^.28 by .2 % at most.
export function runs() {
  const rows = [];
  for (let size = 0; size < 6; ++size) {
    for (let budget = 0; budget < 6; ++budget) {
      const n = Math.round(1e7 * 4 ** size);
      const d = Math.round(2e8 * 4 ** budget);
      const wobble = 0.002 * Math.sin(12.9898 * size + 78.233 * budget);
      const loss = (1.8 + 400 * n ** -0.34 + 410 * d ** -0.28) * Math.exp(wobble);
      rows.push({ parameters: BigInt(n), fpTokens: BigInt(d), weightBits: 16, lossNats: loss });
    }
  }
  return rows;
}
