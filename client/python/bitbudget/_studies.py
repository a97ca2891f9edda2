"""Studies: cohorts of experiments that one law may describe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from bitbudget._calls import LARGEST_PAGE, Calls
from bitbudget._record import Record, RecordList
from bitbudget._request import make, study_name
from bitbudget.errors import Details, make_error
from bitbudget.records import (
    BackupResponse,
    FitOptions,
    FitStatusState,
    LossUnit,
    ModelFamily,
    ParameterConvention,
    Study,
)
from bitbudget.v1 import study_pb2

_FIRST_POLL_SECONDS = 0.02
_MAX_POLL_SECONDS = 1.0


class StudyCalls(Calls):
    def create_study(self, study_id: str, study: Study | Mapping[str, Any] | None = None, *,
                     law: str | None = None, display_name: str | None = None,
                     description: str | None = None, loss_unit: str | None = None,
                     tokenizer: str | None = None, data_set: str | None = None,
                     evaluation_set: str | None = None,
                     model_family: ModelFamily | Mapping[str, Any] | None = None,
                     parameter_convention: str | None = None,
                     fit_options: FitOptions | Mapping[str, Any] | None = None,
                     request_id: str | None = None) -> Study:
        """Creates a study: of `study`, a record or the content of a study.json, of the
        keywords, which go before it, and else of compute_optimal_qat, nats per token and
        non-embedding parameters."""
        message = study_pb2.Study(law="compute_optimal_qat",
                                  loss_unit=LossUnit.NATS_PER_TOKEN,
                                  parameter_convention=ParameterConvention.NON_EMBEDDING)
        request = make(study_pb2.CreateStudyRequest, study_id=study_id, study=message,
                       request_id=request_id)
        for fields in (study, dict(
                law=law, display_name=display_name, description=description,
                loss_unit=loss_unit, tokenizer=tokenizer, data_set=data_set,
                evaluation_set=evaluation_set, model_family=model_family,
                parameter_convention=parameter_convention, fit_options=fit_options)):
            request.study.MergeFrom(make(study_pb2.Study, **_fields(fields)))
        return self._ask(Study, self._connection.studies.CreateStudy, request)

    def get_study(self, study: str | Record) -> Study:
        """The study, by its id, its full name, or a record of it."""
        request = make(study_pb2.GetStudyRequest, name=study_name(study))
        return self._ask(Study, self._connection.studies.GetStudy, request)

    def list_studies(self) -> RecordList[Study]:
        """All studies, by id."""
        request = make(study_pb2.ListStudiesRequest, page_size=LARGEST_PAGE)
        return RecordList(self._pages(Study, self._connection.studies.ListStudies, request,
                                      "studies"))

    def update_study(self, study: str | Record, *, etag: str | None = None,
                     clear: tuple[str, ...] = (), request_id: str | None = None,
                     **fields: Any) -> Study:
        """Changes the fields named, for example display_name="...", and sets back those in
        `clear`. With an etag of the study: ABORTED if it has changed since."""
        request = make(study_pb2.UpdateStudyRequest, study=fields, request_id=request_id)
        request.study.name = study_name(study)
        request.study.etag = etag or ""
        request.update_mask.paths.extend([*fields, *clear])
        return self._ask(Study, self._connection.studies.UpdateStudy, request)

    def delete_study(self, study: str | Record, *, force: bool = False,
                     request_id: str | None = None) -> None:
        """Deletes a study; with `force` also one that has experiments or jobs under way."""
        request = make(study_pb2.DeleteStudyRequest, name=study_name(study), force=force,
                       request_id=request_id)
        self._connection.call(self._connection.studies.DeleteStudy, request)

    def backup(self, path: str) -> BackupResponse:
        """Copies the whole database to a new file on the server's machine."""
        request = make(study_pb2.BackupRequest, path=path)
        # It has no request_id: a repeat would find the file of the first.
        return self._ask(BackupResponse, self._connection.studies.Backup, request, long=True,
                         repeatable=False)

    def wait_for_fit(self, study: str | Record, revision: int | None = None) -> Study:
        """Waits until the study's current fit covers `revision` (else the newest one) and
        returns the study. FailedPreconditionError, reason FIT_FAILED, if that cannot be
        fitted; DeadlineExceededError after long_timeout."""
        deadline = time.monotonic() + (self._connection.long_timeout or float("inf"))
        poll = _FIRST_POLL_SECONDS
        while True:
            found = self.get_study(study)
            revision = found.revision if revision is None else revision
            status = found.fit_status
            if status and status.latest_fit and status.covered_revision >= revision:
                return found
            if status and status.state in (FitStatusState.FAILED, FitStatusState.NO_DATA):
                why = status.error or "it has no experiments"
                raise make_error(
                    "FAILED_PRECONDITION",
                    f"revision {found.revision} of {found.name} has no fit: {why}",
                    Details(reason="FIT_FAILED", resource_type="study",
                            resource_name=found.name))
            if time.monotonic() + poll >= deadline:
                raise make_error("DEADLINE_EXCEEDED",
                                 f"no fit of {found.name} covers revision {revision} after "
                                 f"{self._connection.long_timeout:g} s")
            time.sleep(poll)
            poll = min(2 * poll, _MAX_POLL_SECONDS)


def _fields(fields: Study | Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(fields, Study):
        return {name: getattr(fields, name) for name in study_pb2.Study.DESCRIPTOR.fields_by_name}
    return dict(fields or {})
