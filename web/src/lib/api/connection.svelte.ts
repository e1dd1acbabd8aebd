//! Whether the browser believes that it is on a network, and how many requests wait for the node to answer again.

class Connection {
  online = $state(navigator.onLine);
  /** Requests that failed in passing, and are asked again until they are answered. */
  unanswered = $state(0);

  constructor() {
    addEventListener('online', () => (this.online = true));
    addEventListener('offline', () => (this.online = false));
  }
}

export const connection = new Connection();
