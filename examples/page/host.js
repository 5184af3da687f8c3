// @ts-check
// The page's way to its host: a WebSocket, and whoever comes says who they are. A host with another way serves a module
// of its own at this address: 03_http_events and 04_entry_token do.

/** @typedef {{room: string, name: string, publish: readonly string[] | null}} Invitation */
/** @typedef {{url: import("/cfrealtime/rooms.js").RoomURL, options?: import("/cfrealtime/rooms.js").RoomOptions}} Way */

// Who this page load is. It lives in memory only, so a second tab is a second person. A real app authenticates the
// WebSocket (a cookie, a signed ticket) and takes the identity from there, never from the page.
const identity = [...crypto.getRandomValues(new Uint8Array(12))].map((n) => n.toString(16).padStart(2, "0")).join("");

/**
 * Who is expected where; null where people say so themselves. A RoomError says who may not come in, and why.
 * @returns {Promise<Invitation | null>}
 */
export async function invitation() {
  return null;
}

/**
 * What a `Room` is made with.
 * @param {string} room
 * @param {string} name
 * @returns {Way}
 */
export function way(room, name) {
  return { url: `/rooms/${encodeURIComponent(room)}?${new URLSearchParams({ identity, name })}` };
}
