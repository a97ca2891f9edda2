"""Training steps beside the same model in eager PyTorch, and what QAT costs.

    /usr/bin/python3 bench/train_bench_torch.py build/worker/bin/train_bench

Both sides run the same shapes on the same BLAS with one thread, a few steps in
turn, and count processor time, so that neither other programs nor a clock that
slows down favours one. Needs Debian's python3-torch and the worker configured
with -DBITBUDGET_BENCH=ON. Prints medians of the ratios of neighbours, with their
quartiles.
"""

import math
import os
import statistics
import subprocess
import sys
import time

# Before PyTorch loads BLAS.
os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch import nn
from torch.nn import functional

VOCABULARY, CONTEXT, SEQUENCES, HEAD_SIZE = 128, 64, 8, 16
SHAPES = {"25k": (32, 2), "100k": (64, 2), "1M": (144, 4)}
ROUNDS = 15
# Steps in a row: about 50 ms on this side.
STEPS = {"25k": 40, "100k": 16, "1M": 3}


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.gain


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.expand = nn.Linear(width, 4 * width, bias=False)
        self.contract = nn.Linear(4 * width, width, bias=False)

    def forward(self, x, cosines, sines, mask):
        sequences, context, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(sequences, context, 3, width // HEAD_SIZE, HEAD_SIZE)
        queries, keys, values = qkv.permute(2, 0, 3, 1, 4)
        queries, keys = rotate(queries, cosines, sines), rotate(keys, cosines, sines)
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(HEAD_SIZE) + mask
        attended = (scores.softmax(-1) @ values).transpose(1, 2).reshape(x.shape)
        x = x + self.output(attended)
        hidden = functional.gelu(self.expand(self.norm2(x)), approximate="tanh")
        return x + self.contract(hidden)


def rotate(x, cosines, sines):
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosines - second * sines, first * sines + second * cosines), -1)


class Model(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.norm = Norm(width)
        half = HEAD_SIZE // 2
        angles = torch.outer(torch.arange(CONTEXT), 10000.0 ** (-torch.arange(half) / half))
        self.cosines, self.sines = angles.cos(), angles.sin()
        self.mask = torch.full((CONTEXT, CONTEXT), -math.inf).triu(1)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cosines, self.sines, self.mask)
        return self.norm(x) @ self.embedding.weight.t()


class Peer:
    """The model in eager PyTorch with its AdamW and clipping."""

    def __init__(self, width, layers):
        self.model = Model(width, layers)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
        self.tokens = torch.randint(VOCABULARY, (SEQUENCES, CONTEXT + 1))

    def step(self):
        logits = self.model(self.tokens[:, :-1])
        loss = functional.cross_entropy(
            logits.reshape(-1, VOCABULARY), self.tokens[:, 1:].reshape(-1))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()

    def seconds_a_step(self, count):
        start = time.process_time()
        for _ in range(count):
            self.step()
        return (time.process_time() - start) / count


class Ours:
    """train_bench, asked line by line."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def summary(ratios):
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:5.2f} ({low:.2f} to {high:.2f})"


def compare(name, ours):
    shape, count = SHAPES[name], STEPS[name]
    peer = Peer(*shape)
    peer.seconds_a_step(3)
    flops = ours.ask("flops", *shape)
    against_torch, gemm_shares, rates = [], [], []
    against_fp = {bits: [] for bits in (4, 3, 2, 1)}
    for bits in (16, *against_fp):
        ours.ask("step", *shape, bits, 3)
    for _ in range(ROUNDS):
        gemm = ours.ask("gemm")
        full_precision = ours.ask("step", *shape, 16, count)
        against_torch.append(peer.seconds_a_step(max(2, count // 4)) / full_precision)
        gemm_shares.append(flops / full_precision / gemm)
        rates.append(SEQUENCES * CONTEXT / full_precision)
        for bits, ratios in against_fp.items():
            quantized = ours.ask("step", *shape, bits, count)
            # Full precision before and after, so that a drift cancels.
            after = ours.ask("step", *shape, 16, count)
            ratios.append(2 * quantized / (full_precision + after))
            full_precision = after
    print(f"{name}: {statistics.median(rates) / 1000:.0f} k tokens/s in full precision")
    print(f"  times the speed of eager PyTorch   {summary(against_torch)}")
    print(f"  share of the rate of a large GEMM  {summary(gemm_shares)}")
    for bits, ratios in against_fp.items():
        print(f"  a step at {bits} bits, in FP steps      {summary(ratios)}")


def main():
    torch.set_num_threads(1)
    overrides = [name for name in os.environ if name.startswith("OPENBLAS_")]
    print(f"PyTorch {torch.__version__}, OpenBLAS overrides: {', '.join(overrides) or 'none'}")
    ours = Ours(sys.argv[1])
    for name in SHAPES:
        compare(name, ours)


if __name__ == "__main__":
    main()
