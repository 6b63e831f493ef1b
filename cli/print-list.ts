import type { Cli, JsonOption } from './cli.ts';
import type { Query } from './client.ts';
import type { Columns } from './output.ts';

/** Fetches and prints up to `limit` items of a list, and says so when there are more. */
export async function printList<T>(
  cli: Cli,
  options: JsonOption,
  path: string,
  query: Query,
  limit: number,
  columns: Columns<T>,
): Promise<void> {
  const page = await cli.client().list<T>(path, query, limit);
  cli.print(options, page, (out) => out.table(page.items, columns));
  if (page.next_cursor !== null) cli.note(`the newest ${page.items.length}; --all or a higher --limit shows more`);
}
