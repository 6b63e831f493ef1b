import { z } from 'zod';
import type { CodeCheck } from '../../../domains/gift-code/check-code.ts';
import { codeHashCandidates } from '../../../domains/gift-code/read-codes.ts';
import type { Wallet } from '../../../domains/wallet/read-wallets.ts';
import { MAX_AMOUNT, toMoney } from '../../../platform/money.ts';
import { answers } from '../../answers.ts';
import { phone, time } from '../../fields.ts';
import { type Answer, operation } from '../../operation.ts';

export const createCodeCheck = (region: string | undefined) =>
  operation({
    method: 'POST',
    path: '/v1/code-checks',
    summary: 'Ask whether a code could be redeemed, now or at another time, without redeeming it',
    scope: 'redemptions:read',
    body: z.strictObject({ code: z.string().min(1).max(128), phone: phone(region).optional(), at: time.optional() }),
    takesCode: true,
    answers: { 200: answers.codeCheck },
    problems: ['unavailable'],
    async handle({ body, services }) {
      const hashes = codeHashCandidates(services.codeKeys, body.code, services.givenCodeLengths.has);
      if (hashes.length === 0) return answer('code-malformed');

      const check = await services.giftCode.checkCode(hashes, body.at, undefined);
      if (!check) return answer('code-not-found');
      if (body.phone === undefined) return answer(check.refusal, check);
      const wallets = await services.wallet.readWalletsOfPhone(body.phone);
      const wallet = wallets.find(({ currency }) => currency === check.currency);
      const ofWallet = wallet && (await services.giftCode.checkCode(hashes, body.at, wallet.id));
      return answer(ofWallet?.refusal ?? check.refusal ?? walletRefusal(wallet, check.amount), check);
    },
  });

const answer = (reason: string | null, check?: CodeCheck): Answer => ({
  status: 200,
  body: {
    redeemable: reason === null,
    ...(reason !== null && { reason }),
    ...(check && { amount: toMoney(check.amount, check.currency) }),
  },
  wrongCode: reason === 'code-malformed' || reason === 'code-not-found' ? reason : undefined,
});

/** Why the wallet would refuse the credit. A phone without a wallet gets one. */
function walletRefusal(wallet: Wallet | undefined, amount: bigint): string | null {
  if (wallet?.state === 'frozen') return 'wallet-frozen';
  return wallet && wallet.balance + amount > MAX_AMOUNT ? 'balance-limit' : null;
}
