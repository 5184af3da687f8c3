// @ts-check
// The page's way to a host that wants an invitation: the token of the link, exchanged for a ticket before each connection.

import { RoomError } from "/cfrealtime/rooms.js";

/** @typedef {import("/page/host.js").Invitation} Invitation */

const room = new URLSearchParams(location.search).get("room") ?? "";
const token = tokenOfTheLink();
addEventListener("hashchange", () => location.reload()); // Another invitation to the same room.

/** Taken out of the address, which gets copied and remembered, and kept in this tab for when it is loaded again. */
function tokenOfTheLink() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  try {
    if (given) {
      sessionStorage.setItem("token", given);
      history.replaceState(null, "", location.pathname + location.search);
    }
    return given ?? sessionStorage.getItem("token") ?? "";
  } catch {
    return given ?? ""; // The browser keeps nothing for this page; the address keeps it, then.
  }
}

/**
 * Ask to be let in. A RoomError is the host's refusal; anything else may go better the next time.
 * @returns {Promise<Invitation & {ticket: string}>}
 */
async function enter() {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`/entry?${new URLSearchParams({ room })}`, { method: "POST", headers });
  if (response.ok) return await response.json();
  if (response.status >= 500) throw new Error(`The door answers ${response.status}.`);
  const { code, message } = await response.json();
  throw new RoomError(code, message);
}

/**
 * Who is expected here, as the token says.
 * @returns {Promise<Invitation>}
 */
export async function invitation() {
  return await enter();
}

/** What a `Room` is made with: an address with a fresh ticket for each attempt. */
export function way() {
  const url = async () => `/rooms/${encodeURIComponent(room)}?ticket=${(await enter()).ticket}`;
  return { url };
}
