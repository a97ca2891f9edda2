#!/usr/bin/python3
"""A worker with a trainer of its own: leases jobs, reports progress, completes them.

    apt-get install python3-grpcio python3-protobuf protobuf-compiler protobuf-compiler-grpc
    worker/examples/lease_loop.py 127.0.0.1:7411 TEXT_FILE

It takes jobs whose trainer is "bigram" and leaves when there is none for ten
seconds. docs/jobs.md tells the protocol and has such a job.
"""

import itertools
import math
import pathlib
import random
import subprocess
import sys
import tempfile

import grpc

CLASSES = 32  # letters by their place in the alphabet; what is none shares one
ROOT = pathlib.Path(__file__).resolve().parents[2]


def make_stubs(folder):
    """Generates the Python modules of the contract into a folder."""
    plugin = "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin"
    names = [str(p.relative_to(ROOT / "proto")) for p in ROOT.glob("proto/**/*.proto")]
    subprocess.run(["protoc", f"-I{ROOT / 'proto'}", plugin, f"--python_out={folder}",
                    f"--grpc_python_out={folder}", *names], check=True)
    sys.path.insert(0, folder)


def train(text, spec):
    """Trains a softmax model of pairs of letters; yields (tokens, loss in nats)."""
    draw = random.Random(spec.seed)
    logits = [[draw.gauss(0, 0.1) for _ in range(CLASSES)] for _ in range(CLASSES)]
    loss = math.log(CLASSES)
    for token in range(1, spec.schedule.fp_tokens + 1):
        place = draw.randrange(len(text) - 1)
        row, target = logits[text[place]], text[place + 1]
        weights = [math.exp(logit) for logit in row]
        scale = sum(weights)
        loss += 0.001 * (-math.log(weights[target] / scale) - loss)
        rate = spec.schedule.peak_rate * (1 - token / (spec.schedule.fp_tokens + 1))
        for i in range(CLASSES):
            row[i] -= rate * (weights[i] / scale - (i == target))
        if token % 1000 == 0 or token == spec.schedule.fp_tokens:
            yield token, loss


def main(server, text_file):
    stubs = tempfile.TemporaryDirectory()
    make_stubs(stubs.name)
    from bitbudget.v1 import job_pb2, job_pb2_grpc  # made a moment ago
    text = [min(b & 31, CLASSES - 1) for b in pathlib.Path(text_file).read_bytes().lower()]
    jobs = job_pb2_grpc.JobServiceStub(grpc.insecure_channel(server))
    for number in itertools.count():
        lease = job_pb2.LeaseJobRequest(worker="example", request_id=f"{stubs.name}-{number}")
        lease.capabilities.trainers.append("bigram")
        lease.wait.seconds = 10
        job = jobs.LeaseJob(lease).job
        if not job.name:
            return
        for tokens, loss in train(text, job.training):
            report = job_pb2.ReportProgressRequest(name=job.name, attempt=job.attempt)
            report.points.add(tokens=tokens, loss_nats=loss)
            if jobs.ReportProgress(report).directive != job_pb2.CONTINUE:
                break  # cancelled: another may be waiting
        else:
            done = job_pb2.CompleteJobRequest(name=job.name, attempt=job.attempt)
            run = done.experiment
            run.parameters, run.weight_bits, run.loss_nats = CLASSES * CLASSES, 16, loss
            run.fp_tokens, run.replicate, run.recipe = tokens, job.training.seed, "bigram"
            print(jobs.CompleteJob(done).experiment.name, f"loss {loss:.4f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
