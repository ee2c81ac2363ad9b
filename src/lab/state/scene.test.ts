import { beforeEach, describe, expect, it } from "vitest";
import { epsilon, imageIndex, networkName, norm, readScene, sceneQuery, view } from "./scene.ts";

const initial = "?view=attack&model=shapes-standard&image=0&norm=linf&epsilon=0.031";
beforeEach(() => readScene(initial));

describe("the scene in the address", () => {
  it("is empty for the page as it opens", () => {
    expect(sceneQuery()).toBe("");
  });

  it("comes back as it was", () => {
    view.value = "norms";
    norm.value = "l1";
    epsilon.value = 12.5;
    imageIndex.value = 7;
    const query = sceneQuery();
    expect(query).toBe("?view=norms&image=7&norm=l1&epsilon=12.5");
    readScene(initial);
    readScene(query);
    expect([view.value, norm.value, epsilon.value, imageIndex.value]).toEqual([
      "norms",
      "l1",
      12.5,
      7,
    ]);
  });

  it.each([
    "?view=nothing&norm=l7&epsilon=-1&image=1.5&model=../secret",
    "?view=&norm=&epsilon=NaN&image=&model=",
    "?epsilon=Infinity&image=-1&model=%3Cscript%3E",
  ])("keeps its values where %s makes no sense", (query) => {
    readScene(query);
    expect(sceneQuery()).toBe("");
    expect(networkName.value).toBe("shapes-standard");
  });
});
