import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './domains/gateway/schema.ts',
  out: './drizzle/gateway',
  casing: 'snake_case',
});
