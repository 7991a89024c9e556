import "./platform/drizzleFiles.ts";

// Only what is imported from here on is loaded with it.
await import("./program.ts");
