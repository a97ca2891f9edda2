"""The Python client of bitbudget: plans compute budgets for quantized models.

    import bitbudget
    with bitbudget.Client() as client:
        print(client.predict_loss("micro", parameters=55296, fp_tokens=3e6, qat_tokens=1e6,
                                  weight_bits=2))

docs/python.md of the repository is the guide. What answers are made of is in
bitbudget.records, the errors are in bitbudget.errors; all of it can be had from here too.
"""

import importlib.util

if importlib.util.find_spec("bitbudget.records") is None:
    raise ImportError("this copy of bitbudget lacks the modules generated from the contract: "
                      "pip install ./client/python, or run client/python/generate.py "
                      "build/python and set PYTHONPATH=build/python")

from bitbudget import errors, records
from bitbudget._record import Record, RecordList
from bitbudget.client import Client
from bitbudget.errors import *
from bitbudget.records import *

__all__ = ["Client", "Record", "RecordList"]
__all__ += errors.__all__
__all__ += records.__all__
