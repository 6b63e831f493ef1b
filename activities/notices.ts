import type { NoticeActivities } from '../workflows/contracts.ts';
import type { Progress } from './progress.ts';

/** Word from a workflow to the gateway of the same process. */
export function noticeActivities(progress: Pick<Progress, 'handedOver'>): NoticeActivities {
  return {
    announceHandOver: async (notice) => progress.handedOver(notice),
  };
}
