import { z } from 'zod';
import { idFor } from '../../../platform/ids.ts';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { currency, phone } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { walletJson } from './json.ts';

const TIMEOUT_MS = 10_000;

export const createWallet = (region: string | undefined) =>
  operation({
    method: 'POST',
    path: '/v1/wallets',
    summary: 'Create the wallet of a phone',
    scope: 'wallets:write',
    action: 'wallet.create',
    body: z.strictObject({ phone: phone(region), currency: currency.optional() }),
    idempotent: true,
    sends: ['Location'],
    answers: { 201: answers.wallet },
    problems: ['wallet-exists', 'idempotency-key-reused', 'unavailable'],
    async handle({ body, caller, idempotencyKey, services }, change) {
      const id = idFor(caller.clientId, 'wallets', idempotencyKey);
      const key = { phone: body.phone, currency: body.currency ?? services.config.currency };
      const before = idempotencyKey === undefined ? undefined : await services.wallet.readWallet(id);
      if (before && (before.phone !== key.phone || before.currency !== key.currency))
        throw new Problem('idempotency-key-reused');
      const [ensured] = await change(services.wallet.ensureWallets([{ ...key, id }], TIMEOUT_MS));
      if (!ensured) throw new Problem('idempotency-key-reused');
      if (ensured.id !== id) throw new Problem('wallet-exists', { members: { wallet_id: ensured?.id } });
      const replayed = !ensured.created;
      services.wrote('wallet');
      const wallet = await services.wallet.readWallet(id);
      if (!wallet) throw new Error('a wallet vanished');
      return {
        status: 201,
        body: walletJson({ ...wallet, balance: 0n, state: 'active' }),
        // The phone is in the wallet alone.
        audit: replayed
          ? undefined
          : {
              action: 'wallet.create',
              resource: { type: 'wallet', id },
              after: { currency: wallet.currency, state: 'active' },
            },
        headers: { Location: `/v1/wallets/${id}` },
        replayed,
      };
    },
  });
