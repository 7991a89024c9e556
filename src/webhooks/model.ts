export const ENDPOINT_STATUSES = ["ACTIVE", "PAUSED", "DISABLED"] as const;
export const DELIVERY_STATUSES = ["PENDING", "DELIVERED", "FAILED"] as const;

/** Which events of its types an endpoint takes: all given terms must hold. */
export interface EndpointFilter {
  surveyKeys?: string[];
  segments?: string[];
  categories?: string[];
  dangerZone?: boolean;
  priorities?: string[];
  assignees?: string[];
}
