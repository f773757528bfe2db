package io.bowstring.internal.wire;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** What proves that a connector knows the session's token, without sending it (spec section 1.3, rule 1). */
public final class Proof {
    public static final int NONCE_BYTES = 32;
    private static final byte[] CONTEXT = "bowstring-hello".getBytes(StandardCharsets.US_ASCII);

    public static byte[] of(byte[] token, byte[] nonce) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(token, "HmacSHA256"));
            mac.update(CONTEXT);
            return mac.doFinal(nonce);
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException("this JVM has no HmacSHA256", error);
        }
    }

    /** Compares in constant time. */
    public static boolean isValid(byte[] token, byte[] nonce, byte[] proof) {
        return MessageDigest.isEqual(of(token, nonce), proof);
    }

    private Proof() {}
}
