/** One way to ask the collector: JSON in and out, the session cookie, errors as codes. */

const BASE = "/api/v1";

/** What the collector answered instead, or `NETWORK` / `TIMEOUT` when nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly params: Record<string, unknown> = {},
    readonly request: string | null = null,
  ) {
    super(code);
    this.name = "ApiError";
  }
}

export interface Ask {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Send one request and return its JSON; throws ApiError, or the signal's AbortError. */
export async function ask<T>(path: string, options: Ask = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  const method = options.method ?? "GET";
  if (method !== "GET") headers["X-Requested-With"] = "fengsui";
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(BASE + path, {
      method,
      headers,
      credentials: "same-origin",
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("NETWORK", 0);
  }
  if (answer.status === 204) return undefined as T;
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw refusal(answer, content);
  if (content === null) throw new ApiError("NOT_JSON", answer.status);
  return content as T;
}

/** What an answer that is no success says. */
export function refusal(answer: Response, content: unknown): ApiError {
  const body = (content ?? {}) as { code?: unknown; params?: unknown; request?: unknown };
  return new ApiError(
    typeof body.code === "string" ? body.code : `HTTP_${answer.status}`,
    answer.status,
    typeof body.params === "object" && body.params !== null ? (body.params as Record<string, unknown>) : {},
    typeof body.request === "string" ? body.request : answer.headers.get("X-Request-Id"),
  );
}

/** Return a random key for one attempt at a change; also works where `crypto.randomUUID` does not (plain HTTP). */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
