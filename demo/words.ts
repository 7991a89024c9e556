// What is asked, what customers speak of, and how they say it.

export const SURVEYS = {
  relationship: {
    name: "How we are doing",
    kind: "RELATIONSHIP",
    question: "How likely are you to recommend us to a colleague?",
  },
  support: {
    name: "After a support request",
    kind: "TRANSACTIONAL",
    question: "After this request, how likely are you to recommend us?",
  },
  onboarding: {
    name: "After the first month",
    kind: "TRANSACTIONAL",
    question: "After your first month, how likely are you to recommend us?",
  },
} as const;

/** A matter: the theme of its comments, the root cause behind it, and what is said of it. */
export interface Matter {
  key: string;
  label: string;
  phrases: string[];
  cause: string;
  bad: string[];
  good: string[];
}

export const MATTERS: readonly Matter[] = [
  {
    key: "speed",
    label: "Speed",
    phrases: ["slow", "fast", "takes forever", "performance"],
    cause: "performance",
    bad: ["Reports have become painfully slow", "Every page takes forever since the update", "Too slow to work with"],
    good: ["Fast, even with our large projects", "Performance is great"],
  },
  {
    key: "reliability",
    label: "Reliability",
    phrases: ["crash", "crashes", "error", "errors", "outage", "reliable"],
    cause: "defects",
    bad: ["It crashes whenever I export", "Errors every day since the update", "The outage cost us a day"],
    good: ["Reliable, we never think about it"],
  },
  {
    key: "support",
    label: "Support",
    phrases: ["support", "answered", "waited", "helpful"],
    cause: "waiting-for-support",
    bad: ["Support answered after nine days", "I waited a week and was sent an article", "Nobody in support listens"],
    good: ["Support answered within the hour", "Very helpful people"],
  },
  {
    key: "pricing",
    label: "Pricing",
    phrases: ["price", "pricing", "expensive", "invoice"],
    cause: "pricing",
    bad: ["Too expensive for what we use", "Nobody understands the invoice", "The new price came without a word"],
    good: ["Fair price"],
  },
  {
    key: "ease",
    label: "Ease of use",
    phrases: ["confusing", "complicated", "easy", "cannot find"],
    cause: "unclear-navigation",
    bad: ["Confusing since the new menu", "I cannot find anything", "Far too complicated for our people"],
    good: ["Easy to learn", "So easy that nobody needed a course"],
  },
];

export const CAUSES = [
  { key: "product", label: "The product" },
  { key: "performance", label: "Reports are slow", parentKey: "product" },
  { key: "defects", label: "Release 4.0 has defects", parentKey: "product" },
  { key: "unclear-navigation", label: "The menu is unclear", parentKey: "product" },
  { key: "service", label: "Our service" },
  { key: "waiting-for-support", label: "Support answers late", parentKey: "service" },
  { key: "pricing", label: "Prices are not explained" },
];

export const IMPROVEMENTS = [
  { title: "Reports are computed at night", rootCauseKeys: ["performance"], status: "IN_PROGRESS" },
  { title: "Release 4.1 mends the export", rootCauseKeys: ["defects"], status: "PLANNED" },
  { title: "A second shift in support", rootCauseKeys: ["waiting-for-support"], status: "IN_PROGRESS" },
  { title: "One page that explains the invoice", rootCauseKeys: ["pricing"], status: "PROPOSED" },
  { title: "The old menu for those who want it", rootCauseKeys: ["unclear-navigation"], status: "DROPPED" },
];

export const OWNERS = ["ana@afterscore.example", "ben@afterscore.example", "chidi@afterscore.example"];

export const NEUTRAL = ["Does what it should", "No complaints", "Getting better", "Fine"];
