//! Light or dark: the system's choice until the reader makes one. index.html applies it before the first paint.

class Theme {
  readonly #system = matchMedia('(prefers-color-scheme: dark)');
  #systemDark = $state(this.#system.matches);
  #chosen = $state(document.documentElement.dataset.theme);

  constructor() {
    this.#system.addEventListener('change', (event) => (this.#systemDark = event.matches));
  }

  get dark(): boolean {
    return this.#chosen ? this.#chosen === 'dark' : this.#systemDark;
  }

  toggle(): void {
    this.#chosen = this.dark ? 'light' : 'dark';
    document.documentElement.dataset.theme = this.#chosen;
    try {
      localStorage.setItem('theme', this.#chosen);
    } catch {
      // It holds for this visit.
    }
  }
}

export const theme = new Theme();
