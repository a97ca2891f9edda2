"""Jobs and campaigns, for those who order trainings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bitbudget._calls import LARGEST_PAGE, Calls
from bitbudget._record import Record, RecordList, from_message
from bitbudget._request import make, resource_name, study_name
from bitbudget.records import Campaign, DrainWorkerResponse, Job, WatchJobsResponse
from bitbudget.v1 import campaign_pb2, job_pb2

ALL_STUDIES = "studies/-"


class JobCalls(Calls):
    def create_job(self, study: str | Record, job: Job | Mapping[str, Any], *,
                   request_id: str | None = None) -> Job:
        """Queues one training."""
        request = make(job_pb2.CreateJobRequest, parent=study_name(study), job=job,
                       request_id=request_id)
        return self._ask(Job, self._connection.jobs.CreateJob, request)

    def get_job(self, job: str | Record, study: str | Record | None = None) -> Job:
        """A job with its learning curve."""
        request = make(job_pb2.GetJobRequest, name=resource_name(job, "jobs", study))
        return self._ask(Job, self._connection.jobs.GetJob, request)

    def list_jobs(self, study: str | Record = ALL_STUDIES, *, states: Iterable[str] = (),
                  campaign: str | Record | None = None,
                  worker: str | None = None) -> RecordList[Job]:
        """Jobs of a study, or of all studies, without their curves."""
        request = make(job_pb2.ListJobsRequest, parent=study_name(study),
                       filter=_filter(study, states, campaign, worker), page_size=LARGEST_PAGE)
        return RecordList(self._pages(Job, self._connection.jobs.ListJobs, request, "jobs"))

    def cancel_job(self, job: str | Record, study: str | Record | None = None, *,
                   reason: str | None = None) -> Job:
        """Cancels a job; one that has ended stays as it is."""
        request = make(job_pb2.CancelJobRequest, name=resource_name(job, "jobs", study),
                       reason=reason)
        return self._ask(Job, self._connection.jobs.CancelJob, request)

    def retry_job(self, job: str | Record, study: str | Record | None = None, *,
                  request_id: str | None = None) -> Job:
        """Queues a job again that has failed or was cancelled."""
        request = make(job_pb2.RetryJobRequest, name=resource_name(job, "jobs", study),
                       request_id=request_id)
        return self._ask(Job, self._connection.jobs.RetryJob, request)

    def watch_jobs(self, study: str | Record = ALL_STUDIES, *, states: Iterable[str] = (),
                   campaign: str | Record | None = None, worker: str | None = None,
                   timeout: float | None = None) -> Iterator[WatchJobsResponse]:
        """Yields the jobs as they are, then every change, until the loop is left; begins anew
        if the connection breaks. DeadlineExceededError after `timeout` seconds, if set."""
        request = make(job_pb2.WatchJobsRequest, parent=study_name(study),
                       filter=_filter(study, states, campaign, worker))
        for message in self._connection.watch(self._connection.jobs.WatchJobs, request, timeout):
            yield from_message(WatchJobsResponse, message)

    def drain_worker(self, worker: str, *, lift: bool = False) -> DrainWorkerResponse:
        """Tells a worker to give back its jobs, which are named, and leave; `lift` takes that
        back."""
        request = make(job_pb2.DrainWorkerRequest, worker=worker, lift=lift)
        return self._ask(DrainWorkerResponse, self._connection.jobs.DrainWorker, request)

    def create_campaign(self, study: str | Record, campaign: Campaign | Mapping[str, Any], *,
                        campaign_id: str | None = None, validate_only: bool = False,
                        request_id: str | None = None) -> Campaign:
        """Queues the jobs of a campaign, a record or the content of a grid file; with
        `validate_only` tells what they would cost."""
        request = make(campaign_pb2.CreateCampaignRequest, parent=study_name(study),
                       campaign=campaign, campaign_id=campaign_id, validate_only=validate_only,
                       request_id=request_id)
        # Twenty thousand jobs take more than a moment to store.
        return self._ask(Campaign, self._connection.campaigns.CreateCampaign, request, long=True)

    def get_campaign(self, campaign: str | Record,
                     study: str | Record | None = None) -> Campaign:
        """A campaign and how far it is."""
        request = make(campaign_pb2.GetCampaignRequest,
                       name=resource_name(campaign, "campaigns", study))
        return self._ask(Campaign, self._connection.campaigns.GetCampaign, request)

    def list_campaigns(self, study: str | Record) -> RecordList[Campaign]:
        """All campaigns of a study."""
        request = make(campaign_pb2.ListCampaignsRequest, parent=study_name(study),
                       page_size=LARGEST_PAGE)
        return RecordList(self._pages(Campaign, self._connection.campaigns.ListCampaigns, request,
                                      "campaigns"))

    def cancel_campaign(self, campaign: str | Record, study: str | Record | None = None, *,
                        reason: str | None = None) -> Campaign:
        """Cancels all jobs of a campaign that have not ended."""
        request = make(campaign_pb2.CancelCampaignRequest,
                       name=resource_name(campaign, "campaigns", study), reason=reason)
        return self._ask(Campaign, self._connection.campaigns.CancelCampaign, request, long=True)

    def retry_campaign(self, campaign: str | Record, study: str | Record | None = None, *,
                       request_id: str | None = None) -> Campaign:
        """Queues all failed jobs of a campaign again, and those cancelled because of them."""
        request = make(campaign_pb2.RetryCampaignRequest,
                       name=resource_name(campaign, "campaigns", study), request_id=request_id)
        return self._ask(Campaign, self._connection.campaigns.RetryCampaign, request)

    def watch_campaign(self, campaign: str | Record, study: str | Record | None = None, *,
                       timeout: float | None = None) -> Iterator[Campaign]:
        """Yields the campaign now and after every change, until it has ended; begins anew if
        the connection breaks. DeadlineExceededError after `timeout` seconds, if set."""
        request = make(campaign_pb2.WatchCampaignRequest,
                       name=resource_name(campaign, "campaigns", study))
        for message in self._connection.watch(self._connection.campaigns.WatchCampaign, request,
                                              timeout):
            yield from_message(Campaign, message.campaign)


def _filter(study: str | Record, states: Iterable[str], campaign: str | Record | None,
            worker: str | None) -> dict[str, Any]:
    name = None if campaign is None else resource_name(campaign, "campaigns", study)
    return {"states": states, "campaign": name, "worker": worker}
