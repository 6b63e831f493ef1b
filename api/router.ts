import findMyWay from 'find-my-way';
import type { Context } from 'koa';

/** Answers a request by what it sets on the context. @throws Problem */
export type Handle = (context: Context) => Promise<void> | void;

export type Router = ReturnType<typeof createRouter>;

/** Longer than any path that a request can have: what is no name of anything is for the operation to refuse. */
const MAX_PARAM_LENGTH = 65_536;

/** Which handler a request is for. Paths have parameters as `:name`; one slash at their end makes no difference. */
export function createRouter() {
  const routes = findMyWay({ ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH });
  const methods = new Set<string>();
  const find = (method: string, path: string) => routes.find(method === 'HEAD' ? 'GET' : (method as 'GET'), path);

  const on = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, handle: Handle) => {
    methods.add(method);
    routes.on(method, path, () => undefined, handle);
  };
  return {
    on,
    get: (path: string, handle: Handle) => on('GET', path, handle),

    /** A request's handler, if there is one: then its context has the parameters of its path. */
    find(context: Context): Handle | undefined {
      const found = find(context.method, context.path);
      if (found) context.params = found.params;
      return found?.store;
    },

    /** The methods that a path knows; none, if nobody knows the path. */
    methodsOf(path: string): string[] {
      const known = [...methods].filter((method) => find(method, path));
      return known.includes('GET') ? ['HEAD', ...known] : known;
    },
  };
}
