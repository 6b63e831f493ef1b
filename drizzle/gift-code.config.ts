import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './domains/gift-code/schema.ts',
  out: './drizzle/gift-code',
  casing: 'snake_case',
});
