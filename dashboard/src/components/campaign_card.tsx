// How far a campaign, or all jobs of a study, have come.

import type { Campaign } from '../gen/bitbudget/v1/campaign_pb';
import { JobState } from '../gen/bitbudget/v1/job_pb';
import { campaigns } from '../rpc/clients';
import { useAction } from '../rpc/use_action';
import { campaignCounts, costText, countsText, doneShare, stateText } from '../text/jobs';
import { counted, formatPercent, lastPart } from '../text/quantity';
import { FactList } from './answer';

/** Shares of the jobs by state. */
export function StateBar({ counts }: { counts: ReadonlyMap<JobState, number> }) {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return (
    <div class="states" role="img" aria-label={countsText(counts) || 'no jobs'}>
      {[...counts]
        .filter(([, count]) => count > 0)
        .map(([state, count]) => (
          <span
            key={state}
            class={stateText(state)}
            style={{ width: `${(100 * count) / all}%` }}
            title={`${count} ${stateText(state)}`}
          />
        ))}
    </div>
  );
}

interface CampaignCardProps {
  campaign: Campaign;
  /** To be called when jobs that had ended are queued again. */
  onRetried(): void;
}

export function CampaignCard({ campaign, onRetried }: CampaignCardProps) {
  const { name, title, cost, ended, reason } = campaign;
  const counts = campaignCounts(campaign);
  const changing = useAction(async (signal, change: 'cancel' | 'retry') => {
    if (change === 'cancel') {
      await campaigns.cancelCampaign({ name, reason: 'cancelled on the dashboard' }, { signal });
    } else {
      await campaigns.retryCampaign({ name }, { signal });
      onRetried();
    }
  });
  const mayRetry = counts.get(JobState.FAILED)! > 0;
  return (
    <section class="card stack" aria-label="Campaign">
      <header class="heading">
        <h2>
          {lastPart(name)}
          {title && `: ${title}`}
        </h2>
        <div class="tools">
          <button
            type="button"
            disabled={ended || changing.pending}
            onClick={() => void changing.run('cancel')}
          >
            Cancel campaign
          </button>
          <button
            type="button"
            disabled={!mayRetry || changing.pending}
            onClick={() => void changing.run('retry')}
          >
            Retry failed jobs
          </button>
        </div>
      </header>
      <StateBar counts={counts} />
      <p role="status">
        {counts.get(JobState.SUCCEEDED)} of {counted(Number(cost?.jobCount ?? 0), 'job')} done,{' '}
        {formatPercent(doneShare(campaign))} of the FLOPs; {countsText(counts)}.{' '}
        {ended ? 'Ended.' : 'Under way.'}
      </p>
      {reason !== '' && <p class="advice">{reason}</p>}
      {changing.refusal && <p class="problem">{changing.refusal.message}</p>}
      {cost && (
        <FactList
          facts={[
            { name: 'Planned', value: costText(cost) },
            { name: 'Measurements', value: String(cost.measurementCount) },
            ...(cost.existingCount > 0n
              ? [{ name: 'Not trained again', value: counted(Number(cost.existingCount), 'run') }]
              : []),
          ]}
        />
      )}
    </section>
  );
}
