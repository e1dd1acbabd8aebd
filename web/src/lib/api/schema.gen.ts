// Made by `npm run api` from openapi.json. Not to be edited.

export interface paths {
    "/api/v1/channels/{handle}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A channel and its newest publications. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    after?: string;
                    /** @description At most so many, up to 100 */
                    limit?: number;
                };
                header?: never;
                path: {
                    handle: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ChannelPage"];
                    };
                };
                /** @description channel_unknown */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/claims/{claim}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything that a watch page shows and checks. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    claim: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Watch"];
                    };
                };
                /** @description not_found */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description erased */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/claims/{claim}/growing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What can be watched of a claim whose source is still transcoded: signed by the node, and only added to. */
        get: {
            parameters: {
                query?: {
                    /** @description How many steps the caller has already */
                    after?: number;
                };
                header?: never;
                path: {
                    claim: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["GrowingStream"];
                    };
                };
                /** @description nothing grows: it is complete, or can't be watched yet */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description not_found */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description erased */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/handles/{handle}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether a handle is free, to be asked before a channel is founded for it: a genesis that is in the log stays there. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    handle: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["HandleState"];
                    };
                };
                /** @description handle_malformed */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a client needs to sign a key's next record. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The public key, base64url */
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["KeyState"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Entries of the log, from an index on. */
        get: {
            parameters: {
                query?: {
                    /** @description The first index wanted */
                    from?: number;
                    /** @description At most so many entries, up to 500 */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LogRange"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/log/{record}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One entry by its record's id. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    record: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LogEntry"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/node": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Says what this node is */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NodeView"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the session's channel an operator, once */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Take"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an invitation that founds one channel */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Invitation"];
                    };
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists jobs, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description All unless told */
                    state?: "open" | "failed" | "complete" | "all";
                    /** @description `next` of the page before */
                    after?: string;
                    /** @description 50 unless told, at most 200 */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Jobs"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows a job with its log */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobDetails"];
                    };
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops a job that waits or runs */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/jobs/{id}/priority": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Says how urgent a job is */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Urgency"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a failed job again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/pins/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries to pin a root again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/registration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Says who may found a channel here */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SetRegistration"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows how the node is doing */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Status"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the workers, those that asked last first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Worker"][];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/workers/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a token that registers a worker */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Invite"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WorkerInvitation"];
                    };
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/workers/{name}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes a worker's key from it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/workers/{name}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes back all that a worker made, and has it made again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Withdrawn"];
                    };
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/publications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest publications. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    after?: string;
                    /** @description At most so many, up to 100 */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Publications"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/records": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Publishes a signed record. The same one sent again is answered as it was the first time. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewRecord"];
                };
            };
            responses: {
                /** @description It was here before */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Logged"];
                    };
                };
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Logged"];
                    };
                };
                /** @description record_malformed */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description claim_foreign, invitation_needed, registration_closed */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description chain_broken, chain_conflict, keys_stale, handle_taken, slug_taken, claim_stale */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description erased, content_erased */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description signature_wrong, body_mismatch, home_wrong, key_unknown, clock_skew, kind_unsupported, visibility_unsupported, profile_needed, source_missing, source_damaged, source_size_wrong, root_mismatch, target_unknown */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What an address means. */
        get: {
            parameters: {
                query: {
                    /** @description `@handle`, `@handle/slug`, `@handle/slug:prefix`, `/c/<claim id>`, or a page's URL */
                    url: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Resolved"];
                    };
                };
                /** @description address_malformed */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description not_found, channel_unknown */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description ambiguous */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description erased */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows the current session */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionView"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        /** Signs in with a channel's key */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SignIn"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SignedIn"];
                    };
                };
            };
        };
        /** Signs out */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/challenge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for a nonce to sign in with */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Challenge"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the session's channel's own uploads */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["UploadList"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows an upload */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["UploadView"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/companions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Puts captions or a poster beside an upload
         * @description The body is the file: captions as SubRip, ASS, SSA or WebVTT (up to 10 MiB each, 50 of them), or a picture as JPEG,
         *     PNG, WebP, AVIF or GIF (up to 32 MiB). A poster may be a frame of the film instead: then `at_ms` says which, and the
         *     body is empty. A new poster takes the place of the one before.
         */
        post: {
            parameters: {
                query: {
                    role: components["schemas"]["CompanionRole"];
                    /** @description Of the file in the body */
                    file_name?: string;
                    /** @description A BCP 47 tag, of captions; guessed from the file's name, if none is given */
                    language?: string;
                    /** @description What players call captions; made from the language, if none is given */
                    label?: string;
                    /** @description Of a poster without a file: which frame of the film it is */
                    at_ms?: number;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/octet-stream": number[];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Companion"];
                    };
                };
                /** @description upload_gone */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description upload_published */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description companion_too_large */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description companion_empty, companions_too_many, language_invalid, label_invalid, poster_time_invalid */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/companions/{companion}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Says in which language captions are, and what players call them */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    companion: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CompanionWords"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        /** Takes captions or a poster away again */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    companion: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells an upload at once and on each change, as `event: upload` */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": components["schemas"]["UploadView"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Queues a failed transcoding again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @enum {string} */
        BodyState: "present" | "erased";
        /** @description A publication in a list. */
        Card: {
            channel: components["schemas"]["ChannelRef"];
            claim: string;
            /** Format: int64 */
            duration_ms?: number | null;
            media_type: string;
            poster?: string | null;
            received_ms: components["schemas"]["i64"];
            title: string;
            /** @description The address in full: `@handle@origin/slug` */
            url: string;
            /** @description Its page here */
            watch: string;
        };
        Challenge: {
            /** @description ms since 1970 */
            expires_at: components["schemas"]["i64"];
            /** @description base64url */
            nonce: string;
        };
        ChannelPage: {
            /** @description Markdown */
            about?: string | null;
            channel: string;
            handle: string;
            items: components["schemas"]["Card"][];
            name: string;
            next?: string | null;
            url: string;
        };
        ChannelRef: {
            handle: string;
            /** @description The channel's genesis */
            id: string;
            name: string;
        };
        /** @description As its sender is shown it. */
        Companion: {
            /**
             * Format: int64
             * @description Of a poster that is a frame of the film
             */
            at_ms?: number | null;
            /** @description CID of what was made of it: WebVTT or a JPEG */
            file?: string | null;
            /** @description As sent; empty for a frame of the film */
            file_name: string;
            /** Format: uuid */
            id: string;
            /** @description What players call captions */
            label: string;
            /** @description A BCP 47 tag, of captions */
            language?: string | null;
            /** @description Sentences about what was left out or guessed */
            notes: string[];
            /** @description Why it can't be used: a sentence that names the file, and the line if there is one */
            problem?: string | null;
            role: components["schemas"]["CompanionRole"];
            /** @description CID of the file as it was sent */
            sent?: string | null;
            state: components["schemas"]["CompanionState"];
        };
        /** @enum {string} */
        CompanionRole: "captions" | "poster";
        /** @enum {string} */
        CompanionState: "waiting" | "ready" | "failed";
        CompanionWords: {
            /** @description Made from the language, if it is empty */
            label?: string;
            /** @description A BCP 47 tag; null for none */
            language?: string | null;
        };
        /** @description A growing stream as it is answered. */
        GrowingStream: {
            /**
             * Format: int64
             * @description The number of the first step below
             */
            first: number;
            /** @description The signature over it, base64url */
            sig: string;
            /** @description The newest revision, as the node signed it, base64url */
            statement: string;
            /** @description A segment of each rendition, in the statement's order, for each step from `first` on; perhaps not up to the last */
            steps: components["schemas"]["KeptPiece"][][];
        };
        HandleState: {
            /** @description Whether a new channel could take it now: it and all that look like it are nobody's */
            free: boolean;
            /** @description In its normal form */
            handle: string;
        };
        Head: {
            id: string;
            /** Format: int64 */
            seq: number;
        };
        Invitation: {
            /** @description ms since 1970 */
            expires_at: components["schemas"]["i64"];
            token: string;
            /** @description To be given to one person */
            url: string;
        };
        /** @description What an invitation is to be like. */
        Invite: {
            /**
             * Format: int32
             * @description 24 unless told; at most 90 days
             * @default null
             */
            hours: number | null;
            /**
             * @description Whether any number of workers may register with it, for as long as it lasts
             * @default false
             */
            reusable: boolean;
        };
        /** @description What the owner is shown. */
        Job: {
            code?: string | null;
            /** Format: int64 */
            duration_ms?: number | null;
            /**
             * Format: double
             * @description 0 to 1.
             */
            fraction: number;
            /** Format: uuid */
            id: string;
            /** Format: int64 */
            left_ms?: number | null;
            /** @description Whether it can be watched, be it complete or not. */
            playable: boolean;
            /** @description A sentence that a creator understands. */
            reason?: string | null;
            root?: string | null;
            rungs: components["schemas"]["RungProgress"][];
            /**
             * Format: double
             * @description Seconds of film a second.
             */
            speed?: number | null;
            /** @description What the worker does right now, in a word; empty when it does nothing. */
            stage: string;
            state: components["schemas"]["JobState"];
            warnings: string[];
        };
        /** @description How many jobs there are of each kind that an operator cares about. */
        JobCounts: {
            /** Format: int64 */
            failed: number;
            /** Format: int64 */
            running: number;
            /** Format: int64 */
            waiting: number;
        };
        /** @description A job and what happened to it. */
        JobDetails: components["schemas"]["ListedJob"] & {
            /** @description Oldest first; only the last lines are kept */
            log: components["schemas"]["JobLogEntry"][];
        };
        /** @description A line of a job's log. */
        JobLogEntry: {
            /** @description When the node heard it */
            at_ms: components["schemas"]["i64"];
            text: string;
        };
        /** @enum {string} */
        JobState: "queued" | "running" | "complete" | "failed" | "none";
        /** @description Jobs, newest first. */
        Jobs: {
            items: components["schemas"]["ListedJob"][];
            /** @description The id to go on after; nothing at the end */
            next?: string | null;
        };
        /** @description A segment as rows and answers have it. */
        KeptPiece: {
            cid: string;
            /**
             * Format: int64
             * @description In the rendition's own timescale.
             */
            ticks: number;
        };
        KeyState: {
            channel: string;
            /** @description Null before the channel's first profile */
            handle?: string | null;
            head?: components["schemas"]["Head"] | null;
            /** @description The record that the next header must name in `keys` */
            keys: string;
        };
        Limits: {
            /**
             * Format: int64
             * @description Room for another upload of whoever asks, by the rules that will be applied to it
             */
            free_bytes: number;
            /**
             * Format: int64
             * @description The largest upload
             */
            upload_bytes: number;
        };
        /** @description A job as the operator sees it. */
        ListedJob: components["schemas"]["Job"] & {
            /**
             * Format: int32
             * @description Leases since it was last asked for
             */
            attempts: number;
            created_ms: components["schemas"]["i64"];
            file_name: string;
            /** @description Handle of the channel that sent it first */
            handle?: string | null;
            /** Format: int32 */
            priority: number;
            recipe: string;
            /** @description CID of the file */
            source: string;
            /** Format: int64 */
            source_bytes: number;
            updated_ms: components["schemas"]["i64"];
            /** @description The worker that has it, or had it last */
            worker?: string | null;
        };
        LogEntry: {
            /** @description base64url; null when it was erased */
            body?: string | null;
            /** @description base64url */
            header: string;
            /** Format: int64 */
            index: number;
            received_ms: components["schemas"]["i64"];
            state: components["schemas"]["BodyState"];
        };
        LogRange: {
            /** @description In order and without gaps; fewer than asked for when their bytes would be too many for one answer */
            entries: components["schemas"]["LogEntry"][];
            /**
             * Format: int64
             * @description Entries in the whole log
             */
            size: number;
        };
        Logged: {
            /** @description The record's id: the CID of its header */
            id: string;
            /** Format: int64 */
            index: number;
            received_ms: components["schemas"]["i64"];
        };
        NewRecord: {
            /** @description base64url of the body block */
            body: string;
            /** @description base64url of the signed header */
            header: string;
            /** @description Lets a genesis in where registration is by invitation */
            invitation?: string | null;
        };
        NodeChannel: {
            channel: string;
            genesis: components["schemas"]["WireRecord"];
            node_key: string;
        };
        NodeView: {
            /** @description The genesis of the node's own channel */
            channel?: string | null;
            limits: components["schemas"]["Limits"];
            /** @description base64url */
            log_key: string;
            name: string;
            /** @description base64url; signs the node's own channel */
            node_key: string;
            /** @description The name of the log, which channels founded here have as their home */
            origin: string;
            /** @description Whether a Kubo pins what is published here */
            pinning: boolean;
            protocol: string;
            registration: components["schemas"]["Registration"];
            signed_in?: components["schemas"]["SessionView"] | null;
            url: string;
            version: string;
        };
        /** @description A pin as the watch page shows it. */
        Pin: {
            /** @description The last failure, in words. */
            detail?: string | null;
            role: components["schemas"]["Role"];
            root: string;
            state: components["schemas"]["PinState"];
        };
        /** @enum {string} */
        PinState: "pending" | "pinned" | "failed" | "unwanted";
        /** @description A pin as the operator sees it. */
        PinStatus: components["schemas"]["Pin"] & {
            /** Format: int32 */
            attempts: number;
            /** Format: int64 */
            id: number;
            name: string;
            /** Format: int64 */
            next_try_ms: number;
        };
        /** @description How far a source's preview is. */
        Preview: {
            /** Format: int32 */
            height?: number | null;
            /** @description Why there is none, as a sentence */
            reason?: string | null;
            /** @description The folder with `<width>.webp` for each of the sizes, once it is made */
            root?: string | null;
            /** @description The smallest first */
            sizes: components["schemas"]["PreviewSize"][];
            state: components["schemas"]["JobState"];
            /**
             * Format: int32
             * @description Of what it was made from, upright: pixels of a picture, points of a page
             */
            width?: number | null;
        };
        /** @description One size of a preview: `<width>.webp` in its folder. */
        PreviewSize: {
            /** Format: int64 */
            bytes: number;
            /** Format: int32 */
            height: number;
            /** Format: int32 */
            width: number;
        };
        Publications: {
            /** @description Newest first */
            items: components["schemas"]["Card"][];
            /** @description `after` of the next page */
            next?: string | null;
        };
        /**
         * @description Who may found a channel here.
         * @enum {string}
         */
        Registration: "open" | "invitation" | "closed";
        RenditionRecord: components["schemas"]["WireRecord"] & {
            /** @description Which worker made it */
            worker: string;
        };
        RenditionView: {
            /**
             * Format: int64
             * @description Bits a second, with sound
             */
            bandwidth: number;
            /** Format: int32 */
            height: number;
        };
        /** @description What an address means. */
        Resolved: components["schemas"]["ResolvedClaim"] | components["schemas"]["ResolvedChannel"];
        ResolvedChannel: {
            channel: string;
            name: string;
            url: string;
        };
        ResolvedClaim: {
            claim: string;
            origins: string[];
            renditions: components["schemas"]["RenditionView"][];
            /** @description The newest complete playback folder */
            root?: string | null;
            source: components["schemas"]["ResolvedSource"];
            title: string;
            url: string;
        };
        ResolvedSource: {
            /** Format: int64 */
            bytes: number;
            cid: string;
            media_type: string;
        };
        /** @enum {string} */
        Role: "source" | "hls" | "preview";
        /** @enum {string} */
        RootBy: "channel" | "node";
        RungProgress: {
            /** Format: double */
            fraction: number;
            /** Format: int32 */
            height?: number | null;
            name: string;
            /** @description Once it is there: how it was made and why, as a sentence; empty before. */
            why?: string;
        };
        /** @description A session as its own page sees it. */
        SessionView: {
            /** @description Genesis CID. */
            channel: string;
            /** @description ms since 1970. */
            expires_at: components["schemas"]["i64"];
            /** @description `null` until the channel has a profile. */
            handle?: string | null;
            name: string;
            operator: boolean;
        };
        SetRegistration: {
            registration: components["schemas"]["Registration"];
        };
        SignIn: {
            /** @description base64url of the signature for purpose `session` */
            sig: string;
            /** @description base64url of the DAG-CBOR statement */
            statement: string;
        };
        SignedIn: components["schemas"]["SessionView"] & {
            /** @description For programs; pages use the cookie. */
            token: string;
        };
        /** @enum {string} */
        State: "receiving" | "stored";
        Status: {
            /** Format: int64 */
            channels: number;
            jobs: components["schemas"]["JobCounts"];
            /** @description Whether there is a Kubo to pin at; without one, pins wait until the node is started with one */
            pinning: boolean;
            /** @description What isn't pinned first */
            pins: components["schemas"]["PinStatus"][];
            /** Format: int64 */
            records: number;
            registration: components["schemas"]["Registration"];
            store: components["schemas"]["Stored"];
        };
        /** @description The content store */
        Stored: {
            /** Format: int64 */
            blobs: number;
            /** Format: int64 */
            bytes: number;
            /** Format: int64 */
            free_bytes: number;
        };
        Take: {
            /** @description From the link `/operator?token=…` */
            token: string;
        };
        /** Format: uuid */
        UploadId: string;
        UploadList: {
            /** @description Newest first. */
            items: components["schemas"]["UploadView"][];
        };
        UploadView: {
            /** @description The claim by which this channel published the source. */
            claim?: string | null;
            /** @description Captions and a poster of the creator's own */
            companions: components["schemas"]["Companion"][];
            created_ms: components["schemas"]["i64"];
            /** @description Whether a part of the stored file was lost or damaged on the node's disk since: sending it again mends it */
            damaged: boolean;
            expires_ms?: components["schemas"]["i64"] | null;
            file_name: string;
            id: components["schemas"]["UploadId"];
            job?: components["schemas"]["Job"] | null;
            /** @description A guess from the name while receiving; from the bytes once stored. */
            media_type: string;
            /**
             * Format: int64
             * @description How many bytes are on the disk.
             */
            offset_bytes: number;
            preview?: components["schemas"]["Preview"] | null;
            /** @description The playback root, once transcoded; with what lies beside the film, once that is made. */
            root?: string | null;
            /** Format: int64 */
            size_bytes: number;
            /** @description The source's CID, once stored. */
            source?: string | null;
            state: components["schemas"]["State"];
            /** @description Whether one of them is still to be made, or to be put into the root: it is not yet the one to publish */
            unfinished: boolean;
        };
        Urgency: {
            /**
             * Format: int32
             * @description -10 to 10; the highest goes first
             */
            priority: number;
        };
        /** @description Everything that a watch page shows and checks. */
        Watch: {
            channel: components["schemas"]["WatchChannel"];
            claim: string;
            /** @description The version that created the claim */
            created: components["schemas"]["WireRecord"];
            /** @description Sanitised */
            description_html: string;
            /** Format: int64 */
            duration_ms?: number | null;
            /** @description The channel's */
            genesis: components["schemas"]["WireRecord"];
            /** Format: int64 */
            index: number;
            job?: components["schemas"]["Job"] | null;
            node: components["schemas"]["NodeChannel"];
            origins: string[];
            pins: components["schemas"]["Pin"][];
            poster?: string | null;
            preview?: components["schemas"]["Preview"] | null;
            received_ms: components["schemas"]["i64"];
            /** @description The newest version */
            record: components["schemas"]["WireRecord"];
            rendition?: components["schemas"]["RenditionRecord"] | null;
            renditions: components["schemas"]["RenditionView"][];
            root?: string | null;
            root_by?: components["schemas"]["RootBy"] | null;
            source: components["schemas"]["WatchSource"];
            title: string;
            /** @description Whether captions or a poster are still to be put into the root: it is not yet the one to approve */
            unfinished: boolean;
            url: string;
            watch: string;
        };
        WatchChannel: components["schemas"]["ChannelRef"] & {
            /** @description The key that signed the version shown */
            key: string;
        };
        WatchSource: {
            /** Format: int64 */
            bytes: number;
            cid: string;
            file_name: string;
            media_type: string;
        };
        /** @description A record as it travels, base64url. */
        WireRecord: {
            /** @description Null once it is erased */
            body?: string | null;
            header: string;
            id: string;
        };
        Withdrawn: {
            /**
             * Format: int64
             * @description How many are no longer shown, and are to be made again
             */
            renditions: number;
        };
        /** @description A worker as its operator sees it. */
        Worker: {
            /** @description How many codecs it can decode */
            codecs: number;
            /** @description `video`, `audio`, `companion`, `preview` */
            kinds: string[];
            name: string;
            /** @description Whether it has a key of its own, which can be revoked; else it asks with the node's worker token */
            registered: boolean;
            registered_ms: components["schemas"]["i64"];
            /**
             * Format: int64
             * @description Renditions of its making that are shown
             */
            renditions: number;
            revoked_ms?: components["schemas"]["i64"] | null;
            /**
             * Format: int64
             * @description Jobs that it holds now
             */
            running: number;
            seen_ms?: components["schemas"]["i64"] | null;
            /** @description Program and version */
            software: string;
            /**
             * Format: double
             * @description Seconds of film a second, at its last job
             */
            speed?: number | null;
        };
        /** @description What lets a worker register. */
        WorkerInvitation: {
            /** @description ms since 1970 */
            expires_ms: components["schemas"]["i64"];
            reusable: boolean;
            /** @description Where the worker reaches this node */
            server: string;
            /** @description Told this once */
            token: string;
        };
        /** Format: int64 */
        i64: number;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
