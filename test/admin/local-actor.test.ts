// Whose name stands in the audit: also of a user whom the system has no name for, as in many containers.

import { userInfo } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { localActor } from "../../host/admin/audit.ts";

vi.mock("node:os", async (original) => ({ ...(await original<typeof import("node:os")>()), userInfo: vi.fn() }));

describe("whoever runs the process", () => {
  it("is known by name, or by number where there is none", () => {
    vi.mocked(userInfo).mockReturnValueOnce({ username: "ada" } as ReturnType<typeof userInfo>);
    expect(localActor()).toBe("user:ada");
    vi.mocked(userInfo).mockImplementationOnce(() => {
      throw new Error("uv_os_get_passwd returned ENOENT");
    });
    expect(localActor()).toBe(`user:${process.getuid?.() ?? "unknown"}`);
  });
});
