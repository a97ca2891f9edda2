"""Fits and laws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bitbudget._calls import Calls
from bitbudget._record import Record, RecordList, from_message
from bitbudget._request import make, resource_name, study_name
from bitbudget.records import (
    BootstrapOptions,
    ExplainFitResponse,
    Fit,
    FitOptions,
    Law,
    LawComparison,
    LawVariant,
    ReplayFitResponse,
    WatchFitsResponse,
)
from bitbudget.v1 import fit_pb2, law_pb2


class FitCalls(Calls):
    def run_fit(self, study: str | Record,
                options: FitOptions | Mapping[str, Any] | None = None, *,
                bootstrap: BootstrapOptions | Mapping[str, Any] | None = None,
                request_id: str | None = None) -> Fit:
        """Fits now. Without options the study's own hold and the fit becomes current."""
        request = make(fit_pb2.RunFitRequest, parent=study_name(study), options=options,
                       bootstrap=bootstrap, request_id=request_id)
        return self._ask(Fit, self._connection.fits.RunFit, request, long=True)

    def get_fit(self, fit: str | Record = "latest", *, study: str | Record | None = None) -> Fit:
        """A fit by its full name, or by its id in a study; the current one unless named."""
        request = make(fit_pb2.GetFitRequest, name=resource_name(fit, "fits", study))
        return self._ask(Fit, self._connection.fits.GetFit, request)

    def list_fits(self, study: str | Record) -> RecordList[Fit]:
        """All fits of a study, without their inputs."""
        request = make(fit_pb2.ListFitsRequest, parent=study_name(study), page_size=200)
        return RecordList(self._pages(Fit, self._connection.fits.ListFits, request, "fits"))

    def replay_fit(self, fit: str | Record = "latest", *,
                   study: str | Record | None = None) -> ReplayFitResponse:
        """Computes a fit again from its stored inputs and compares every bit."""
        request = make(fit_pb2.ReplayFitRequest, name=resource_name(fit, "fits", study))
        return self._ask(ReplayFitResponse, self._connection.fits.ReplayFit, request, long=True)

    def compare_laws(self, study: str | Record,
                     laws: Iterable[LawVariant | Mapping[str, Any]] = (), *,
                     request_id: str | None = None, **fields: Any) -> LawComparison:
        """Scores laws on held-out runs; without laws all variants of the study's own.
        Further keywords are fields of CompareLawsRequest."""
        request = make(fit_pb2.CompareLawsRequest, parent=study_name(study), candidates=laws,
                       request_id=request_id, **fields)
        return self._ask(LawComparison, self._connection.fits.CompareLaws, request, long=True)

    def get_law_comparison(self, comparison: str | Record = "latest", *,
                           study: str | Record | None = None) -> LawComparison:
        """A stored comparison."""
        name = resource_name(comparison, "comparisons", study)
        request = make(fit_pb2.GetLawComparisonRequest, name=name)
        return self._ask(LawComparison, self._connection.fits.GetLawComparison, request)

    def list_law_comparisons(self, study: str | Record) -> RecordList[LawComparison]:
        """All stored comparisons of a study."""
        request = make(fit_pb2.ListLawComparisonsRequest, parent=study_name(study), page_size=200)
        return RecordList(self._pages(LawComparison, self._connection.fits.ListLawComparisons,
                                      request, "comparisons"))

    def explain_fit(self, fit: str | Record = "latest", *, study: str | Record | None = None,
                    **fields: Any) -> ExplainFitResponse:
        """Residuals, influence, outliers, what the runs leave open. Further keywords are
        fields of ExplainFitRequest."""
        name = resource_name(fit, "fits", study)
        request = make(fit_pb2.ExplainFitRequest, name=name, **fields)
        return self._ask(ExplainFitResponse, self._connection.fits.ExplainFit, request, long=True)

    def watch_fits(self, study: str | Record, *,
                   timeout: float | None = None) -> Iterator[WatchFitsResponse]:
        """Yields the fit as it stands, then every change, with how far the answers to standing
        questions have moved; begins anew if the connection breaks. DeadlineExceededError after
        `timeout` seconds, if set."""
        request = make(fit_pb2.WatchFitsRequest, parent=study_name(study))
        for message in self._connection.watch(self._connection.fits.WatchFits, request, timeout):
            yield from_message(WatchFitsResponse, message)

    def list_laws(self) -> RecordList[Law]:
        """The families that a study may have, and the published laws."""
        reply = self._connection.call(self._connection.laws.ListLaws, law_pb2.ListLawsRequest())
        return RecordList(from_message(Law, law) for law in reply.laws)

    def get_law(self, law: str) -> Law:
        """A law by its key, "chinchilla", or its full name, "laws/chinchilla"."""
        name = law if law.startswith("laws/") else f"laws/{law}"
        return self._ask(Law, self._connection.laws.GetLaw, make(law_pb2.GetLawRequest, name=name))
