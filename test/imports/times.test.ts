import t from "tap";
import { timeReader } from "../../src/imports/times.ts";

const read = (format: string, timeZone: string, text: string) => timeReader(format, timeZone)?.(text);

t.test("times are read as their format says, and as nothing else", async (t) => {
  t.equal(read("M/d/yyyy H:mm:ss", "UTC", "11/1/2019 8:51:12"), "2019-11-01T08:51:12.000Z");
  t.equal(read("dd.MM.yyyy HH:mm", "Europe/Berlin", "01.07.2026 08:30"), "2026-07-01T06:30:00.000Z");
  t.equal(read("yyyy-MM-dd'T'HH:mm:ss.SSS", "UTC", "2026-05-04T09:12:00.250"), "2026-05-04T09:12:00.250Z");
  t.equal(read("M/d/yy h:mm a", "America/New_York", "1/2/26 12:05 AM"), "2026-01-02T05:05:00.000Z");
  t.equal(read("M/d/yy h:mm a", "UTC", "1/2/26 12:05 pm"), "2026-01-02T12:05:00.000Z");
  t.equal(read("yyyy-MM-dd", "Asia/Tokyo", "2026-05-04"), "2026-05-03T15:00:00.000Z");
  t.equal(read("UNIX_SECONDS", "UTC", "1777885920"), "2026-05-04T09:12:00.000Z");
  t.equal(read("UNIX_SECONDS", "UTC", "1777885920.5"), "2026-05-04T09:12:00.500Z");
  t.equal(read("EXCEL_SERIAL", "UTC", "46146.383333333331"), "2026-05-04T09:12:00.000Z");
  t.equal(read("EXCEL_SERIAL", "Europe/Berlin", "46146.383333333331"), "2026-05-04T07:12:00.000Z");
  for (const text of [
    "2/30/2026 8:00:00",
    "13/1/2026 8:00:00",
    "1/1/2026 24:00:00",
    "1/1/2026",
    "1/1/2026 8:00:00 ",
    "",
  ]) {
    t.equal(read("M/d/yyyy H:mm:ss", "UTC", text), undefined, text);
  }
  t.equal(read("UNIX_SECONDS", "UTC", "2026-05-04"), undefined);
  t.equal(read("M/d/yy h:mm a", "UTC", "1/2/26 13:05 pm"), undefined);
  for (const format of ["", "QQ", "M/d", "M/d/yyyy h:mm", "yyyy-MM-dd yyyy", "M/d/yyyy HH h a", "constructor"]) {
    t.equal(timeReader(format, "UTC"), undefined, format);
  }
});

t.test("where clocks are changed, a time that came twice is the first, one that was left out is later", async (t) => {
  const berlin = timeReader("yyyy-MM-dd HH:mm", "Europe/Berlin");
  t.equal(berlin?.("2026-10-25 02:30"), "2026-10-25T00:30:00.000Z", "still in summer time");
  t.equal(berlin?.("2026-10-25 03:00"), "2026-10-25T02:00:00.000Z");
  t.equal(berlin?.("2026-03-29 02:30"), "2026-03-29T01:30:00.000Z", "half past three in summer time");
  t.equal(berlin?.("2026-03-29 01:59"), "2026-03-29T00:59:00.000Z");
  t.equal(berlin?.("2026-03-29 03:00"), "2026-03-29T01:00:00.000Z");
  const howe = timeReader("yyyy-MM-dd HH:mm", "Australia/Lord_Howe");
  t.equal(howe?.("2026-04-05 01:45"), "2026-04-04T14:45:00.000Z", "put back by half an hour, the first time");
});
