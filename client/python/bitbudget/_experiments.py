"""Experiments: measured training runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bitbudget._calls import LARGEST_PAGE, Calls
from bitbudget._record import Record, RecordList, from_message
from bitbudget._request import fill, make, resource_name, study_name
from bitbudget.records import (
    CreateExperimentResponse,
    ExcludeExperimentsResponse,
    Experiment,
    ExperimentFilter,
    ImportExperimentsResponse,
    IncludeExperimentsResponse,
)
from bitbudget.v1 import experiment_pb2

if TYPE_CHECKING:
    import pandas

_ROWS_PER_MESSAGE = 256

Filter = ExperimentFilter | Mapping[str, Any]


class ExperimentCalls(Calls):
    def add_experiment(self, study: str | Record,
                       experiment: Experiment | Mapping[str, Any] | None = None, *,
                       request_id: str | None = None, **fields: Any) -> CreateExperimentResponse:
        """Stores one run: a record, a mapping, or its fields as keywords
        (parameters=86_000_000, fp_tokens=20e9, ...)."""
        request = make(experiment_pb2.CreateExperimentRequest, parent=study_name(study),
                       experiment=experiment, request_id=request_id)
        fill(request.experiment, fields)
        return self._ask(CreateExperimentResponse, self._connection.experiments.CreateExperiment,
                         request)

    def import_experiments(self, study: str | Record,
                           rows: Iterable[Experiment | Mapping[str, Any]] | pandas.DataFrame, *,
                           import_batch: str | None = None, skip_invalid: bool = False,
                           validate_only: bool = False,
                           request_id: str | None = None) -> ImportExperimentsResponse:
        """Stores runs, all or none unless `skip_invalid`: records, mappings by field name (a
        csv.DictReader yields such), or a pandas DataFrame with the fields as columns, whose
        missing values are unset. Runs that are stored already do not matter."""
        header = make(experiment_pb2.ImportExperimentsRequest, parent=study_name(study),
                      import_batch=import_batch, skip_invalid=skip_invalid,
                      validate_only=validate_only, request_id=request_id)
        experiments = [_experiment(i, row) for i, row in enumerate(_mappings(rows))]

        def messages() -> Iterator[experiment_pb2.ImportExperimentsRequest]:
            yield header
            for start in range(0, len(experiments), _ROWS_PER_MESSAGE):
                batch = experiments[start:start + _ROWS_PER_MESSAGE]
                yield experiment_pb2.ImportExperimentsRequest(experiments=batch)

        return self._ask(ImportExperimentsResponse, self._connection.experiments.ImportExperiments,
                         messages, long=True)

    def get_experiment(self, experiment: str | Record,
                       study: str | Record | None = None) -> Experiment:
        """One run, excluded or not."""
        name = resource_name(experiment, "experiments", study)
        request = make(experiment_pb2.GetExperimentRequest, name=name)
        return self._ask(Experiment, self._connection.experiments.GetExperiment, request)

    def list_experiments(self, study: str | Record, filter: Filter | None = None, *,
                         order_by: str | None = None,
                         descending: bool = False) -> RecordList[Experiment]:
        """All runs that match the filter, excluded ones too unless it says otherwise:
        filter={"weight_bits": [2, 4], "exclusion": "included"}."""
        return RecordList(self.iterate_experiments(study, filter, order_by=order_by,
                                                   descending=descending))

    def iterate_experiments(self, study: str | Record, filter: Filter | None = None, *,
                            order_by: str | None = None, descending: bool = False,
                            page_size: int = LARGEST_PAGE) -> Iterator[Experiment]:
        """The same one by one; a page is asked for when it is needed."""
        request = make(experiment_pb2.ListExperimentsRequest, parent=study_name(study),
                       filter=filter, order_by=order_by, descending=descending,
                       page_size=page_size)
        return self._pages(Experiment, self._connection.experiments.ListExperiments, request,
                           "experiments")

    def export_experiments(self, study: str | Record,
                           filter: Filter | None = None) -> Iterator[Experiment]:
        """The same as one stream, all of one revision, in the order of storing."""
        request = make(experiment_pb2.ExportExperimentsRequest, parent=study_name(study),
                       filter=filter)
        for message in self._connection.read(self._connection.experiments.ExportExperiments,
                                             request):
            yield from (from_message(Experiment, experiment) for experiment in message.experiments)

    def exclude_experiments(self, study: str | Record,
                            experiments: Iterable[str | Record] | None = None, *, reason: str,
                            import_batch: str | None = None,
                            request_id: str | None = None) -> ExcludeExperimentsResponse:
        """Keeps runs, by name or by import batch, out of every fit."""
        request = make(experiment_pb2.ExcludeExperimentsRequest, parent=study_name(study),
                       names=_names(experiments, study), reason=reason,
                       import_batch=import_batch, request_id=request_id)
        return self._ask(ExcludeExperimentsResponse,
                         self._connection.experiments.ExcludeExperiments, request)

    def include_experiments(self, study: str | Record,
                            experiments: Iterable[str | Record] | None = None, *, reason: str,
                            import_batch: str | None = None,
                            request_id: str | None = None) -> IncludeExperimentsResponse:
        """Takes exclusions back."""
        request = make(experiment_pb2.IncludeExperimentsRequest, parent=study_name(study),
                       names=_names(experiments, study), reason=reason,
                       import_batch=import_batch, request_id=request_id)
        return self._ask(IncludeExperimentsResponse,
                         self._connection.experiments.IncludeExperiments, request)


def _names(experiments: Iterable[str | Record] | None, study: str | Record) -> list[str]:
    return [resource_name(experiment, "experiments", study) for experiment in experiments or ()]


def _experiment(index: int, row: Experiment | Mapping[str, Any]) -> experiment_pb2.Experiment:
    message = experiment_pb2.Experiment()
    try:
        fill(message, row)
    except (TypeError, ValueError) as error:
        raise type(error)(f"row {index}: {error}") from None
    return message


def _mappings(rows: Any) -> Iterable[Experiment | Mapping[str, Any]]:
    if not hasattr(rows, "to_dict") or not hasattr(rows, "columns"):
        yield from rows
        return
    present = rows.notna()
    for cells, known in zip(rows.to_dict("records"), present.to_dict("records")):
        yield {name: value for name, value in cells.items() if known[name]}
