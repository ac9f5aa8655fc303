package chipseal.interop;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECPoint;
import java.util.Arrays;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.IvParameterSpec;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.jmrtd.Util;
import org.jmrtd.lds.ChipAuthenticationPublicKeyInfo;
import org.jmrtd.lds.SODFile;
import org.jmrtd.lds.SecurityInfo;
import org.jmrtd.lds.icao.DG14File;
import org.jmrtd.protocol.PACECAMResult;
import org.jmrtd.protocol.PACEGMMappingResult;

/** The checks that JMRTD leaves to its caller: signatures, and proofs of possession of a key. */
final class Proofs {
  static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();

  /** JMRTD's name for RSASSA-PSS, which no provider knows. */
  private static final String PSS_OF_JMRTD = "SSAwithRSA/PSS";

  private static final Map<Integer, String> DIGEST_OF_TRAILER =
      Map.of(0x38, "SHA-224", 0x34, "SHA-256", 0x36, "SHA-384", 0x35, "SHA-512");

  private Proofs() {}

  /** Whether EF.SOD is signed by the certificate inside it. */
  static boolean isSigned(SODFile sod) throws GeneralSecurityException {
    String algorithm = sod.getDigestEncryptionAlgorithm();
    if (algorithm.equals(PSS_OF_JMRTD)) {
      algorithm = "RSASSA-PSS";
    }
    Signature signature = Signature.getInstance(algorithm, PROVIDER);
    if (sod.getDigestEncryptionAlgorithmParams() != null) {
      signature.setParameter(sod.getDigestEncryptionAlgorithmParams());
    }
    signature.initVerify(sod.getDocSigningCertificate());
    signature.update(sod.getEContent());
    return signature.verify(sod.getEncryptedDigest());
  }

  /**
   * Doc 9303-11, 4.4.3.3.3: the static key times CA_IC is the key of the mapping. The static key is
   * read from DG14, since JMRTD cannot read it from EF.CardSecurity, where its domain parameters
   * are a number.
   */
  static boolean isProven(PACECAMResult pace, DG14File dg14, BigInteger keyId)
      throws GeneralSecurityException {
    var mapping = (PACEGMMappingResult) pace.getMappingResult();
    ECPublicKey mapped = (ECPublicKey) mapping.getPICCMappingPublicKey();
    BigInteger factor = new BigInteger(1, chipAuthenticationData(pace));
    for (SecurityInfo info : dg14.getSecurityInfos()) {
      if (info instanceof ChipAuthenticationPublicKeyInfo key && keyId.equals(key.getKeyId())) {
        ECPoint point = ((ECPublicKey) key.getSubjectPublicKey()).getW();
        return Util.multiply(factor, point, mapped.getParams()).equals(mapped.getW());
      }
    }
    return false;
  }

  /**
   * The factor CA_IC, decrypted again: JMRTD uses FF..FF as the initialisation vector, but Doc
   * 9303-11, 4.4.3.3.3 encrypts this value first, so that JMRTD's first block is wrong.
   */
  private static byte[] chipAuthenticationData(PACECAMResult pace) throws GeneralSecurityException {
    SecretKey key = pace.getWrapper().getEncryptionKey();
    byte[] ones = new byte[16];
    Arrays.fill(ones, (byte) 0xFF);
    Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding", PROVIDER);
    cipher.init(Cipher.ENCRYPT_MODE, key);
    IvParameterSpec vector = new IvParameterSpec(cipher.doFinal(ones));
    cipher = Cipher.getInstance("AES/CBC/NoPadding", PROVIDER);
    cipher.init(Cipher.DECRYPT_MODE, key, vector);
    return Util.unpad(cipher.doFinal(pace.getEncryptedChipAuthenticationData()));
  }

  /** Doc 9303-11, 6.1: the signature over the challenge, with ECDSA or by ISO/IEC 9796-2. */
  static boolean isProven(PublicKey key, String algorithm, byte[] challenge, byte[] response)
      throws GeneralSecurityException {
    if (key instanceof ECPublicKey) {
      Signature signature =
          Signature.getInstance(algorithm.replace("withECDSA", "withPLAIN-ECDSA"), PROVIDER);
      signature.initVerify(key);
      signature.update(challenge);
      return signature.verify(response);
    }
    Cipher cipher = Cipher.getInstance("RSA/NONE/NoPadding", PROVIDER);
    cipher.init(Cipher.DECRYPT_MODE, key);
    byte[] plain = cipher.doFinal(response);
    int trailer = (plain[plain.length - 1] & 0xFF) == 0xCC ? 2 : 1;
    String digest =
        trailer == 1 ? "SHA-1" : DIGEST_OF_TRAILER.get((int) plain[plain.length - trailer]);
    MessageDigest hash = MessageDigest.getInstance(digest);
    int end = plain.length - trailer - hash.getDigestLength();
    hash.update(plain, 1, end - 1);
    hash.update(challenge);
    byte[] recovered = Arrays.copyOfRange(plain, end, plain.length - trailer);
    return MessageDigest.isEqual(hash.digest(), recovered);
  }
}
