package chipseal.interop.applet;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.ECPublicKey;
import javacard.security.KeyBuilder;
import javacard.security.RandomData;
import javacard.security.Signature;

/**
 * Terminal Authentication of version 1 (Doc 9303-11, 7.1), with ECDSA and SHA-256 on curves of 256
 * bits: two trust points, the date, and one imported key.
 */
final class TerminalAuthentication {
  private static final short SW_FAILED = 0x6300;
  private static final byte[] ECDSA_SHA_256 = {4, 0, 0x7F, 0, 7, 2, 2, 2, 2, 3};
  private static final byte[] INSPECTION_SYSTEM = {4, 0, 0x7F, 0, 7, 3, 1, 2, 1};
  private static final byte[] DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  private static final byte TERMINAL = 0;
  private static final byte FOREIGN_DV = 1;
  private static final byte DOMESTIC_DV = 2;
  private static final byte CVCA = 3;
  private static final byte NOBODY = -1;

  /** A validated key; `reference` begins with its length. */
  private static final class Holder {
    final byte[] reference = new byte[17];
    final byte[] effective = new byte[6];
    final byte[] expiration = new byte[6];
    final ECPublicKey key =
        (ECPublicKey)
            KeyBuilder.buildKey(KeyBuilder.TYPE_EC_FP_PUBLIC, KeyBuilder.LENGTH_EC_FP_256, false);
    byte role = NOBODY;
    byte rights;

    boolean isCalled(byte[] text, short offset, short length) {
      return role != NOBODY
          && reference[0] == length
          && Util.arrayCompare(reference, (short) 1, text, offset, length) == 0;
    }
  }

  /** The most recent trust point first. */
  private final Holder[] trustPoints = {new Holder(), new Holder()};

  private final byte[] today = new byte[6];
  private Holder imported = new Holder();
  private Holder read = new Holder();

  /** Who verifies the next certificate, and whose signature is next; null for nobody. */
  private final Object[] selected =
      JCSystem.makeTransientObjectArray((short) 2, JCSystem.CLEAR_ON_RESET);

  /** Whether a key is imported, whether there is a challenge, whether a terminal is proven. */
  private final boolean[] flags =
      JCSystem.makeTransientBooleanArray((short) 3, JCSystem.CLEAR_ON_RESET);

  private final byte[] granted = JCSystem.makeTransientByteArray((short) 1, JCSystem.CLEAR_ON_RESET);

  private final byte[] challenge =
      JCSystem.makeTransientByteArray((short) 8, JCSystem.CLEAR_ON_RESET);
  private final byte[] scratch =
      JCSystem.makeTransientByteArray((short) 160, JCSystem.CLEAR_ON_RESET);
  private final Signature ecdsa = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false);

  // The data object at the cursor: `tag`, `value` and `length`; `next` is behind it.
  private byte[] text;
  private short tag;
  private short value;
  private short length;
  private short next;

  // --- files ----------------------------------------------------------------------------------

  /** Stores the first trust point, from the body 7F4E of its certificate. */
  void putTrustPoint(byte[] body, short size) {
    start(body, (short) 0);
    object((short) 0x7F4E, size);
    parseBody(null);
    accept(null);
  }

  /** Writes the references of the trust points into EF.CVCA, and zeros behind them. */
  void writeReferences(byte[] file, short size) {
    Util.arrayFillNonAtomic(file, (short) 0, size, (byte) 0);
    short at = 0;
    for (short number = 0; number < 2; number++) {
      if (trustPoints[number].role != NOBODY) {
        short octets = trustPoints[number].reference[0];
        file[at] = 0x42;
        Util.arrayCopy(
            trustPoints[number].reference, (short) 0, file, (short) (at + 1), (short) (octets + 1));
        at += (short) (octets + 2);
      }
    }
  }

  // --- commands -------------------------------------------------------------------------------

  /** MSE:Set DST. */
  void setDst(byte[] data, short size) {
    selected[0] = null;
    reference(data, size);
    for (short number = 0; number < 2; number++) {
      if (trustPoints[number].isCalled(text, value, length)) {
        selected[0] = trustPoints[number];
      }
    }
    if (selected[0] == null && flags[0] && imported.isCalled(text, value, length)) {
      selected[0] = imported;
    }
    if (selected[0] == null) {
      ISOException.throwIt((short) 0x6A88);
    }
  }

  /** MSE:Set AT. */
  void setAt(byte[] data, short size) {
    selected[1] = null;
    reference(data, size);
    if (!flags[0] || !imported.isCalled(text, value, length)) {
      ISOException.throwIt((short) 0x6A88);
    }
    if (imported.role != TERMINAL) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    selected[1] = imported;
  }

  private void reference(byte[] data, short size) {
    start(data, (short) 0);
    object((short) 0x83, size);
    if (next != size) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  /** PSO:Verify Certificate; returns whether the trust points have changed. */
  boolean verify(byte[] data, short size) {
    Holder issuer = (Holder) selected[0];
    selected[0] = null;
    if (issuer == null) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    start(data, (short) 0);
    object((short) 0x7F4E, size);
    short signedSize = next;
    short at = next;
    next = value;
    parseBody(issuer);
    next = at;
    object((short) 0x5F37, size);
    if (next != size) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    if (!isAllowed(issuer) || !verifies(issuer.key, data, (short) 0, signedSize, value, length)) {
      ISOException.throwIt(SW_FAILED);
    }
    return accept(issuer);
  }

  short challenge(RandomData random, byte[] answer) {
    random.generateData(challenge, (short) 0, (short) 8);
    flags[1] = true;
    Util.arrayCopyNonAtomic(challenge, (short) 0, answer, (short) 0, (short) 8);
    return 8;
  }

  /** EXTERNAL AUTHENTICATE: the signature over ID_IC, r_IC and the x-coordinate of the key. */
  void authenticate(byte[] data, short size, byte[] identifier, byte[] ephemeral) {
    Holder terminal = (Holder) selected[1];
    boolean challenged = flags[1];
    if (flags[2]) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    selected[1] = null;
    flags[1] = false;
    if (terminal == null || !challenged) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    short at = Util.arrayCopyNonAtomic(identifier, (short) 0, scratch, (short) 80, (short) 10);
    at = Util.arrayCopyNonAtomic(challenge, (short) 0, scratch, at, (short) 8);
    at = Util.arrayCopyNonAtomic(ephemeral, (short) 0, scratch, at, (short) 32);
    byte[] message = new byte[(short) (at - 80)];
    Util.arrayCopyNonAtomic(scratch, (short) 80, message, (short) 0, (short) message.length);
    Util.arrayCopyNonAtomic(data, (short) 0, scratch, (short) 0, size);
    text = data;
    if (!verifies(terminal.key, message, (short) 0, (short) message.length, (short) 0, size)) {
      ISOException.throwIt(SW_FAILED);
    }
    flags[2] = true;
    granted[0] = terminal.rights;
  }

  /** Whether the terminal is authenticated and has this right: 1 for DG3, 2 for DG4. */
  boolean mayRead(byte right) {
    return flags[2] && (granted[0] & right) != 0;
  }

  /** A new session of Chip Authentication ends what the terminal has proven. */
  void forget() {
    flags[1] = flags[2] = false;
  }

  // --- certificates ---------------------------------------------------------------------------

  /** Reads the body at the cursor into `read`; the issuer's domain parameters are inherited. */
  private void parseBody(Holder issuer) {
    short end = (short) (value + length);
    next = value;
    object((short) 0x5F29, end);
    require(length == 1 && text[value] == 0);
    object((short) 0x42, end);
    require(length >= 1 && length <= 16);
    wrongIssuer = issuer != null && !issuer.isCalled(text, value, length);
    object((short) 0x7F49, end);
    short behind = next;
    next = value;
    parseKey(issuer, behind);
    require(next == behind);
    object((short) 0x5F20, end);
    require(length >= 1 && length <= 16);
    read.reference[0] = (byte) length;
    Util.arrayCopyNonAtomic(text, value, read.reference, (short) 1, length);
    object((short) 0x7F4C, end);
    behind = next;
    next = value;
    object((short) 0x06, behind);
    wrongType = !is(INSPECTION_SYSTEM);
    object((short) 0x53, behind);
    require(length == 1 && next == behind);
    read.role = (byte) ((text[value] >> 6) & 3);
    read.rights = (byte) (text[value] & 3);
    object((short) 0x5F25, end);
    date(read.effective);
    object((short) 0x5F24, end);
    date(read.expiration);
    require(next == end);
  }

  private boolean wrongIssuer;
  private boolean wrongType;
  private boolean wrongAlgorithm;

  private void parseKey(Holder issuer, short end) {
    object((short) 0x06, end);
    wrongAlgorithm = !is(ECDSA_SHA_256);
    object((short) (text[next] == (byte) 0x81 ? 0x81 : 0x86), end);
    if (tag == 0x81) {
      read.key.setFieldFP(text, value, length);
      object((short) 0x82, end);
      read.key.setA(text, value, length);
      object((short) 0x83, end);
      read.key.setB(text, value, length);
      object((short) 0x84, end);
      read.key.setG(text, value, length);
      object((short) 0x85, end);
      read.key.setR(text, value, length);
      object((short) 0x86, end);
      require(length == 65);
      read.key.setW(text, value, length);
      object((short) 0x87, end);
      read.key.setK(text[value]);
      return;
    }
    if (length != 65) {
      wrongAlgorithm = true; // shorter than the key of the issuer
      return;
    }
    ECPublicKey from = issuer.key;
    read.key.setFieldFP(scratch, (short) 0, from.getField(scratch, (short) 0));
    read.key.setA(scratch, (short) 0, from.getA(scratch, (short) 0));
    read.key.setB(scratch, (short) 0, from.getB(scratch, (short) 0));
    read.key.setG(scratch, (short) 0, from.getG(scratch, (short) 0));
    read.key.setR(scratch, (short) 0, from.getR(scratch, (short) 0));
    read.key.setK(from.getK());
    read.key.setW(text, value, length);
  }

  private boolean isAllowed(Holder issuer) {
    if (wrongIssuer || wrongType || wrongAlgorithm) {
      return false;
    }
    if (before(read.expiration, read.effective)) {
      return false;
    }
    if (read.role == TERMINAL) {
      return isVerifier(issuer) && !before(read.expiration, today);
    }
    if (issuer.role != CVCA) {
      return false;
    }
    return read.role == CVCA
        || !before(read.expiration, today) && !before(issuer.expiration, today);
  }

  private static boolean isVerifier(Holder holder) {
    return holder.role == DOMESTIC_DV || holder.role == FOREIGN_DV;
  }

  /** Imports the key in `read`; returns whether it is a trust point. */
  private boolean accept(Holder issuer) {
    boolean accurate = read.role != TERMINAL || issuer.role == DOMESTIC_DV;
    if (accurate && before(today, read.effective)) {
      Util.arrayCopy(read.effective, (short) 0, today, (short) 0, (short) 6);
    }
    if (issuer != null) {
      read.rights &= issuer.rights;
    }
    if (read.role == CVCA) {
      Holder oldest = trustPoints[1];
      trustPoints[1] = trustPoints[0];
      trustPoints[0] = read;
      read = oldest;
      return true;
    }
    Holder old = imported;
    imported = read;
    read = old;
    flags[0] = true;
    return false;
  }

  private static boolean before(byte[] one, byte[] other) {
    return Util.arrayCompare(one, (short) 0, other, (short) 0, (short) 6) < 0;
  }

  private void date(byte[] into) {
    require(length == 6);
    for (short at = 0; at < 6; at++) {
      byte digit = text[(short) (value + at)];
      require(digit >= 0 && digit <= 9);
      into[at] = digit;
    }
    byte year = number(into, (short) 0);
    byte month = number(into, (short) 2);
    byte day = number(into, (short) 4);
    require(month >= 1 && month <= 12 && day >= 1);
    boolean leapDay = month == 2 && day == 29 && year % 4 == 0;
    require(day <= DAYS[(short) (month - 1)] || leapDay);
  }

  private static byte number(byte[] digits, short at) {
    return (byte) (10 * digits[at] + digits[(short) (at + 1)]);
  }

  private boolean is(byte[] oid) {
    return length == oid.length
        && Util.arrayCompare(text, value, oid, (short) 0, (short) oid.length) == 0;
  }

  /** Verifies r and s of 32 octets each, in `text`; the signature of Java Card is in DER. */
  private boolean verifies(
      ECPublicKey key, byte[] message, short offset, short size, short at, short octets) {
    if (octets != 64) {
      return false;
    }
    short end = derInteger(at, (short) 2);
    end = derInteger((short) (at + 32), end);
    scratch[0] = 0x30;
    scratch[1] = (byte) (end - 2);
    try {
      ecdsa.init(key, Signature.MODE_VERIFY);
      return ecdsa.verify(message, offset, size, scratch, (short) 0, end);
    } catch (CryptoException malformed) {
      return false;
    }
  }

  private short derInteger(short from, short to) {
    short first = from;
    while (first < from + 31 && text[first] == 0) {
      first++;
    }
    short pad = (short) (text[first] < 0 ? 1 : 0);
    short size = (short) (from + 32 - first);
    scratch[to] = 0x02;
    scratch[(short) (to + 1)] = (byte) (size + pad);
    scratch[(short) (to + 2)] = 0;
    return Util.arrayCopyNonAtomic(text, first, scratch, (short) (to + 2 + pad), size);
  }

  // --- TLV ------------------------------------------------------------------------------------

  private void start(byte[] octets, short at) {
    text = octets;
    next = at;
  }

  /** Reads the data object at `next`, which must have this tag and end by `end`. */
  private void object(short wanted, short end) {
    require(next < end);
    short at = next;
    tag = (short) (text[at++] & 0xFF);
    if ((tag & 0x1F) == 0x1F) {
      require(at < end);
      tag = (short) (tag << 8 | text[at++] & 0xFF);
    }
    require(tag == wanted && at < end);
    length = (short) (text[at++] & 0xFF);
    if (length == 0x81 || length == 0x82) {
      short more = (short) (length - 0x80);
      length = 0;
      while (more-- > 0) {
        require(at < end);
        length = (short) (length << 8 | text[at++] & 0xFF);
      }
    } else {
      require(length < 0x80);
    }
    value = at;
    require(length >= 0 && length <= end - at);
    next = (short) (at + length);
  }

  private static void require(boolean holds) {
    if (!holds) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }
}
