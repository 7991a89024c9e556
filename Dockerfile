# The service as it runs in production: without the tools of development and without the embedded PostgreSQL, so it
# needs DATABASE_URL. It writes nothing to its file system: run it with --read-only.
#
# The digest is of node:24.21.0-bookworm-slim. To take a newer one: docker buildx imagetools inspect node:24-bookworm-slim
FROM node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6 AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
# Owned by root: the user that runs it can change none of it.
COPY package.json LICENSE ./
COPY migrations ./migrations
COPY openapi ./openapi
COPY src ./src
COPY --from=packages /app/node_modules ./node_modules
USER 65534:65534
EXPOSE 3000
# For serve and api; a worker listens nowhere but at METRICS_PORT.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node is told of SIGTERM itself: no shell and no npm stand before it.
ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve"]
