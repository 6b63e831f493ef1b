import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './domains/wallet/schema.ts',
  out: './drizzle/wallet',
  casing: 'snake_case',
});
