package io.bowstring.internal.net;

import io.bowstring.errors.AuthenticationException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.VersionException;
import io.bowstring.internal.wire.Challenge;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Proof;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.Welcome;
import java.security.SecureRandom;

/** The first three frames of a connection, from either side (spec section 1.3). */
public final class Handshake {
    public static final int VERSION = 1;
    public static final long TIMEOUT_MS = 10_000;
    private static final SecureRandom RANDOM = new SecureRandom();

    /** A connector's answer to the acceptor's Challenge: fills in versions and proof of a Hello and sends it. */
    public static void answer(Connection connection, Frame frame, byte[] token, Hello hello) {
        if (frame.type() != FrameType.CHALLENGE) {
            throw new ProtocolException("the first frame is of type " + frame.type() + " and no Challenge");
        }
        Challenge challenge = Challenge.decode(frame.metadata());
        if (challenge.minVersion > VERSION || challenge.maxVersion < VERSION) {
            throw new VersionException("the peer speaks versions " + challenge.minVersion + " to "
                    + challenge.maxVersion + " of the specification; this side speaks " + VERSION);
        }
        if (challenge.nonce.length != Proof.NONCE_BYTES) {
            throw new ProtocolException("a Challenge with a nonce of " + challenge.nonce.length + " bytes");
        }
        hello.minVersion = VERSION;
        hello.maxVersion = VERSION;
        hello.language = Language.JAVA;
        hello.languageVersion = System.getProperty("java.version");
        hello.pid = ProcessHandle.current().pid();
        hello.proof = Proof.of(token, challenge.nonce);
        connection.send(hello);
    }

    /** The acceptor's Welcome, which ends a connector's handshake. */
    public static Welcome welcome(Connection connection, Frame frame) {
        if (frame.type() != FrameType.WELCOME) {
            throw new ProtocolException("a frame of type " + frame.type() + " before the Welcome");
        }
        Welcome welcome = Welcome.decode(frame.metadata());
        if (welcome.version != VERSION) {
            throw new ProtocolException("the peer chose version " + welcome.version
                    + " of the specification, which was not offered");
        }
        connection.handshakeDone();
        return welcome;
    }

    /** An acceptor's Challenge. */
    public static byte[] challenge(Connection connection) {
        Challenge challenge = new Challenge();
        challenge.minVersion = VERSION;
        challenge.maxVersion = VERSION;
        challenge.nonce = new byte[Proof.NONCE_BYTES];
        RANDOM.nextBytes(challenge.nonce);
        connection.send(challenge);
        return challenge.nonce;
    }

    /** Checks a connector's Hello. */
    public static Hello accept(Connection connection, Frame frame, byte[] token, byte[] nonce) {
        if (frame.type() != FrameType.HELLO) {
            throw new ProtocolException("a frame of type " + frame.type() + " before the Hello");
        }
        Hello hello = Hello.decode(frame.metadata());
        if (!isProved(hello, token, nonce)) {
            throw new AuthenticationException("the proof of the session's token is wrong");
        }
        if (hello.minVersion > VERSION || hello.maxVersion < VERSION) {
            throw new VersionException("the peer speaks versions " + hello.minVersion + " to " + hello.maxVersion
                    + " of the specification; this side speaks " + VERSION);
        }
        if (hello.language == Language.UNSPECIFIED || hello.role == Role.UNSPECIFIED || hello.process == 0) {
            throw new ProtocolException("a Hello without language, role or process");
        }
        connection.handshakeDone();
        return hello;
    }

    /** Whether a connector's Hello proves that it knows the token. */
    public static boolean isProved(Hello hello, byte[] token, byte[] nonce) {
        return Proof.isValid(token, nonce, hello.proof);
    }

    private Handshake() {}
}
