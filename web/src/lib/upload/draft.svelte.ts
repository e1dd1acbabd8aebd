//! What the creator writes about an upload before it is published, kept through reloads under the upload's id.

import { slugFromTitle } from '../records/names';

/** How far the stream must be when it is published. */
export type When = 'now' | 'playable' | 'complete';

export interface DraftFields {
  title: string;
  slug: string;
  description: string;
  tags: string;
  language: string;
  licence: string;
  when: When;
}

const NAME = 'pinreel-draft ';

export class Draft {
  title = $state('');
  /** What was typed; empty means: made from the title. */
  slug = $state('');
  description = $state('');
  tags = $state('');
  language = $state('');
  licence = $state('');
  when = $state<When>('now');

  constructor(fileName: string) {
    this.title = titleFrom(fileName);
  }

  get effectiveSlug(): string {
    return this.slug || (slugFromTitle(this.title) ?? '');
  }

  get tagList(): string[] {
    const tags = this.tags.split(/[,\n]/).map((tag) => tag.trim().replace(/^#/, ''));
    return tags.filter((tag, index) => tag && tags.indexOf(tag) === index);
  }

  fields(): DraftFields {
    const { title, slug, description, tags, language, licence, when } = this;
    return { title, slug, description, tags, language, licence, when };
  }

  save(uploadId: string): void {
    try {
      localStorage.setItem(NAME + uploadId, JSON.stringify(this.fields()));
    } catch {
      // It lives as long as the page.
    }
  }

  load(uploadId: string): void {
    try {
      const text = localStorage.getItem(NAME + uploadId);
      if (text) Object.assign(this, JSON.parse(text) as Partial<DraftFields>);
    } catch {
      // A draft that can't be read is written anew.
    }
  }

  static forget(uploadId: string): void {
    try {
      localStorage.removeItem(NAME + uploadId);
    } catch {
      // Nothing was kept.
    }
  }
}

/** "my_holiday-video.final.mp4" is best offered as "my holiday video final". */
export function titleFrom(fileName: string): string {
  const stem = fileName.replace(/\.[a-z0-9]{1,5}$/i, '');
  return stem
    .replace(/[_.]+/g, ' ')
    .replace(/(?<=\S)-(?=\S)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
}
