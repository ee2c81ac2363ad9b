// Data sets as they are published, where this machine has them: the constants in our code are theirs.
import { expect, it } from "vitest";
import { checkDataset } from "./check.ts";
import { parseCifar } from "./cifar-format.ts";
import { cifar10Format as cifar10 } from "./cifar10.ts";
import { lookFor } from "./find.ts";
import { mnistFormat } from "./mnist.ts";
import { mnistPlace } from "./mnist-format.ts";
import { nodeDataFiles } from "./node.ts";
import { channelStatistics, concatenated } from "./splits.ts";
import { openDataset } from "./table.ts";

it("the known mean and deviation of CIFAR-10 are those of the real training images", async ({
  skip,
}) => {
  const files = nodeDataFiles();
  const place = `${files.roots[0]}/cifar10`;
  const parts = [];
  for (const [file, count] of cifar10.train) {
    const bytes = await files.read(`${place}/${file}`);
    if (bytes === undefined) {
      console.log(`skipped: no CIFAR-10 at ${place}`);
      return skip(`no CIFAR-10 at ${place}`);
    }
    parts.push(parseCifar({ path: file, bytes }, cifar10, count));
  }
  const { mean, std } = channelStatistics(concatenated(parts), [3, 32, 32]);
  for (const [channel, value] of mean.entries()) {
    expect(Math.abs(value - cifar10.mean[channel])).toBeLessThan(6e-5);
    expect(Math.abs(std[channel] - cifar10.std[channel])).toBeLessThan(6e-5);
  }
});

it("MNIST as it is on this machine has the known counts, mean and deviation", async ({ skip }) => {
  const files = nodeDataFiles();
  if ((await lookFor(mnistPlace(mnistFormat), files)) === undefined) {
    console.log(`skipped: no MNIST at ${files.roots[0]}/mnist`);
    return skip(`no MNIST at ${files.roots[0]}/mnist`);
  }
  const dataset = await openDataset("mnist", files);
  const { notes, mean, std } = checkDataset(dataset);
  expect(notes).toEqual([]);
  expect(Math.abs(mean[0] - dataset.mean[0])).toBeLessThan(6e-5);
  expect(Math.abs(std[0] - dataset.std[0])).toBeLessThan(6e-5);
});
