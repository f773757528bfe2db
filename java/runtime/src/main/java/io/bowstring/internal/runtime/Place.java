package io.bowstring.internal.runtime;

import java.util.HexFormat;

/**
 * What a request for workers says of the place (spec sections 4.3, 10.1 and 11.2). Bytes are in hexadecimal, so that places
 * can be compared.
 *
 * @param environment key of the environment; empty: the job's
 * @param group the placement group; empty: none
 * @param bundle number of the bundle, from 1; 0: any
 * @param capturesChildren whether what the worker submits goes to the group too
 */
record Place(String environment, String group, int bundle, boolean capturesChildren) {
    static final Place ANYWHERE = new Place("", "", 0, false);

    byte[] environmentKey() {
        return HexFormat.of().parseHex(environment);
    }

    byte[] groupId() {
        return group.isEmpty() ? new byte[Id.TASK_BYTES] : HexFormat.of().parseHex(group);
    }
}
