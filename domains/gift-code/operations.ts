import { bound } from '../../platform/bound.ts';
import type { CodeKeys } from '../../platform/code-keys.ts';
import { partOperations } from '../../platform/part-operations.ts';
import { readEntries, readGiftCodeBooks, readReversed, readSettledOf } from './books.ts';
import { checkCode } from './check-code.ts';
import { codeGroupStats } from './code-group-stats.ts';
import { createCodeGroup } from './create-code-group.ts';
import type { GiftCodeDatabase } from './database.ts';
import { door } from './door.ts';
import { endGeneration } from './end-generation.ts';
import { exportCodes } from './export-codes.ts';
import { findRedemptionsOfWallets } from './find-redemptions-of-wallets.ts';
import { generateAtOnce } from './generate-codes.ts';
import { readGivenCodeLengths } from './given-code-lengths.ts';
import { importCodes } from './import-codes.ts';
import { limitsReached } from './limits-reached.ts';
import { listRedemptions } from './list-redemptions.ts';
import { admitKeys, codeKeysFit } from './open-code-keys.ts';
import { orderCodes } from './order-codes.ts';
import { probeGiftCode } from './probe.ts';
import { listCodeGroups, readCodeGroup } from './read-code-groups.ts';
import { findCode, listCodes, readCodeDetails, readCodeTexts } from './read-codes.ts';
import { readHolders } from './read-holders.ts';
import { readRedemptions } from './read-redemptions.ts';
import { listRedeemers } from './redeemers.ts';
import { redemptionMilestones } from './redemption-milestones.ts';
import {
  beginReversal,
  isPlaceKept,
  readReversal,
  reversalOfRequest,
  unfinishedReversals,
} from './reverse-redemption.ts';
import { updateCode } from './update-code.ts';
import { updateCodeGroup } from './update-code-group.ts';

/** What the gift-code part does for the gateway, in its process or behind `vouchsafe serve gift-code`. */
export type GiftCodePart = ReturnType<typeof giftCodeOperations>;

export const giftCodeOperations = (db: GiftCodeDatabase, keys: CodeKeys) => ({
  ...partOperations(db),
  ...bound(
    {
      admitKeys,
      beginReversal,
      checkCode,
      codeGroupStats,
      codeKeysFit,
      door,
      endGeneration,
      findCode,
      findRedemptionsOfWallets,
      isPlaceKept,
      limitsReached,
      listCodeGroups,
      listCodes,
      listRedeemers,
      listRedemptions,
      orderCodes,
      probe: probeGiftCode,
      readCodeDetails,
      readCodeGroup,
      readEntries,
      readGiftCodeBooks,
      readGivenCodeLengths,
      readHolders,
      readRedemptions,
      readReversal,
      readReversed,
      readSettledOf,
      redemptionMilestones,
      reversalOfRequest,
      unfinishedReversals,
      updateCode,
      updateCodeGroup,
    },
    db,
  ),
  ...bound({ createCodeGroup, exportCodes, generateAtOnce, importCodes, readCodeTexts }, db, keys),
});
