// Answers that are kept for calls that come twice.

import { expect, it } from "vitest";
import { KeptAnswers } from "../../host/cluster/kept-answers.ts";

const making = (kept: KeptAnswers) => {
  let made = 0;
  return async (key: string, bytes: number, isFinal = true): Promise<{ readonly made: number; readonly length: number }> => {
    const { length } = await kept.once(key, async () => {
      made += 1;
      return { bytes: new Uint8Array(bytes), isFinal };
    });
    return { made, length };
  };
};

it("a call that comes twice, at once or later, is made once, unless its answer was none", async () => {
  const once = making(new KeptAnswers());
  expect(await Promise.all([once("a", 1), once("a", 1)])).toMatchObject([{ made: 1 }, { made: 1 }]);
  expect(await once("a", 2)).toEqual({ made: 1, length: 1 });
  expect(await once("b", 1, false)).toMatchObject({ made: 2 });
  expect(await once("b", 1)).toMatchObject({ made: 3 });
});

it("one that fails is made again", async () => {
  const kept = new KeptAnswers();
  await expect(kept.once("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await making(kept)("a", 1)).toEqual({ made: 1, length: 1 });
});

it("the oldest go when there are more than 1,024, or more than 16 MiB", async () => {
  const once = making(new KeptAnswers());
  for (let i = 0; i < 1_025; i += 1) await once(String(i), 1);
  expect(await once("1", 1)).toMatchObject({ made: 1_025 });
  expect(await once("0", 1)).toMatchObject({ made: 1_026 });
  const large = making(new KeptAnswers());
  for (let i = 0; i < 17; i += 1) await large(String(i), 1024 * 1024);
  expect(await large("1", 0)).toEqual({ made: 17, length: 1024 * 1024 });
  expect(await large("0", 0)).toEqual({ made: 18, length: 0 });
});
