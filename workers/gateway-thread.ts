import { Worker } from 'node:worker_threads';
import type { StartBatch } from '../activities/start-batch.ts';
import type { Heard } from '../api/redemptions/endings.ts';
import { type Config, ConfigError } from '../platform/config.ts';
import type { LocalServers } from '../platform/local/index.ts';
import type { RedeemOptions, RedemptionItem, SagaPart } from '../workflows/contracts.ts';

/** What the gateway is given at its start. */
export interface GatewaySettings {
  config: Config;
  urls: GatewayUrls;
  adminKey: string;
  redeemOptions: RedeemOptions;
}

/** Where a gateway finds what it works with. */
export interface GatewayUrls
  extends Pick<LocalServers['urls'], 'gatewayDatabase' | 'nats' | 'redis' | 'temporal' | 'temporalWebUi'> {
  /** A part's database, or the process that serves the part. */
  giftCode: string;
  wallet: string;
}

/** A call of one of the functions by which activities leave word. */
export type Word = { [Name in keyof Heard]: [Name, ...Parameters<Heard[Name]>] }[keyof Heard];

export type ToGateway =
  | { is: 'word'; word: Word }
  /** `isNew` as `StartBatch` has it; `error` where the start failed. */
  | { is: 'batch-started'; workflowId: string; isNew: boolean; error?: string }
  | { is: 'close' };

export type FromGateway =
  | { is: 'listening'; url: string }
  | { is: 'failed'; name: string; message: string }
  | { is: 'start-batch'; workflowId: string; items: RedemptionItem[] }
  | { is: 'wrote'; part: SagaPart };

export interface GatewayThread {
  /** The URL of the API. @throws ConfigError, or why the gateway could not start */
  listening: Promise<string>;
  /** Tells the gateway what activities did. */
  progress: Heard;
  /** Lets requests that are under way end. */
  close(): Promise<void>;
}

/**
 * Starts the gateway in a thread of its own, so that requests and the steps of sagas do not wait for one another. It asks
 * this one to start workflows, because only a client that shares its connection with a worker gets the first task at once.
 */
export function startGatewayThread(
  settings: GatewaySettings,
  here: { startBatch: StartBatch; wrote(part: SagaPart): void },
): GatewayThread {
  const thread = new Worker(new URL('../bin/gateway.mjs', import.meta.url), {
    workerData: settings,
    // Requests live for a whole redemption: in a smaller one, more of them are copied, and more often. See docs/performance.md.
    resourceLimits: { maxYoungGenerationSizeMb: settings.config.gateway.youngGenerationMb },
  });
  const exited = new Promise((resolve) => thread.once('exit', resolve));
  const post = (message: ToGateway) => thread.postMessage(message);

  const listening = new Promise<string>((resolve, reject) => {
    let hasStarted = false;
    // What nobody caught there ends the process, as it would here.
    thread.on('error', (error) => {
      if (hasStarted) throw error;
      reject(error);
    });
    thread.on('message', async (message: FromGateway) => {
      switch (message.is) {
        case 'listening':
          hasStarted = true;
          return resolve(message.url);
        case 'failed':
          return reject(new (message.name === 'ConfigError' ? ConfigError : Error)(message.message));
        case 'wrote':
          return here.wrote(message.part);
        case 'start-batch': {
          const { workflowId, items } = message;
          const started = await here.startBatch(workflowId, items).catch(String);
          const failure = typeof started === 'string' && { error: started };
          post({ is: 'batch-started', workflowId, isNew: started === true, ...failure });
        }
      }
    });
  });
  listening.catch(() => undefined);

  const tell =
    <Name extends keyof Heard>(name: Name) =>
    (...values: Parameters<Heard[Name]>) =>
      post({ is: 'word', word: [name, ...values] as unknown as Word });
  return {
    listening,
    progress: {
      took: tell('took'),
      credited: tell('credited'),
      completed: tell('completed'),
      ended: tell('ended'),
      handedOver: tell('handedOver'),
    },
    async close() {
      post({ is: 'close' });
      await exited;
    },
  };
}
