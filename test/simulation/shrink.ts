import type { Clause } from './checker.ts';
import type { Played } from './play.ts';
import type { Chapter, Story } from './story.ts';

/**
 * The shortest story found that still breaks the same promise: faults, chapters and everything in them are left out
 * one after the other, as long as it does.
 */
export async function shrink(
  story: Story,
  clause: Clause,
  play: (story: Story) => Promise<Played>,
): Promise<Story> {
  let shortest = story;
  for (let shorter = true; shorter; ) {
    shorter = false;
    for (const candidate of shorterOnes(shortest)) {
      const { violations } = await play(candidate);
      if (violations[0]?.clause !== clause) continue;
      shortest = candidate;
      shorter = true;
      break;
    }
  }
  return shortest;
}

/** Each a little shorter or plainer than the story. */
function* shorterOnes(story: Story): Generator<Story> {
  for (const chapters of without(story.chapters)) yield { ...story, chapters };
  for (const faults of without(story.faults)) yield { ...story, faults };
  const { bucket, ...inFile } = story;
  if (bucket) {
    yield inFile;
    for (const faults of without(bucket.faults)) yield { ...story, bucket: { ...bucket, faults } };
    for (const [index, fault] of bucket.faults.entries())
      if (fault.times > 1) {
        const faults = bucket.faults.map((one, i) => (i === index ? { ...fault, times: 1 } : one));
        yield { ...story, bucket: { ...bucket, faults } };
      }
    if (bucket.skews_ms.some((skew) => skew !== 0))
      yield { ...story, bucket: { ...bucket, skews_ms: [0, 0] } };
  }
  for (const [index, chapter] of story.chapters.entries())
    for (const shorter of shorterChapters(chapter))
      yield { ...story, chapters: story.chapters.map((one, i) => (i === index ? shorter : one)) };
  if (story.manifest.length > 1) for (const manifest of without(story.manifest)) yield { ...story, manifest };
  if (story.disks > 1) yield { ...story, disks: story.disks - 1 };
  if (story.backups_per_disk > 1) yield { ...story, backups_per_disk: 1 };
  if (story.queue_ms > 0) yield { ...story, queue_ms: 0 };
  if (story.date !== 0) yield { ...story, date: 0 };
  if (story.token_ttl_ms < 3_600_000) yield { ...story, token_ttl_ms: 3_600_000 };
  for (const key of Object.keys(story.settings)) {
    const { [key as keyof Story['settings']]: _, ...settings } = story.settings;
    yield { ...story, settings };
  }
  for (const [index, fault] of story.faults.entries())
    if (fault.times > 1)
      yield {
        ...story,
        faults: story.faults.map((one, i) => (i === index ? { ...fault, times: 1 } : one)),
      };
}

function* shorterChapters(chapter: Chapter): Generator<Chapter> {
  for (const edits of without(chapter.edits)) yield { ...chapter, edits };
  for (const fates of without(chapter.fates)) yield { ...chapter, fates };
  for (const meanwhile of without(chapter.meanwhile)) yield { ...chapter, meanwhile };
  if (chapter.command !== 'apply') yield { ...chapter, command: 'apply' };
  if (chapter.machine !== 0) yield { ...chapter, machine: 0 };
  if (chapter.person) yield { ...chapter, person: false };
}

function* without<T>(list: readonly T[]): Generator<readonly T[]> {
  for (const index of list.keys()) yield list.filter((_, i) => i !== index);
}
